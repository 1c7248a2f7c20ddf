"""Verify the ledger: entries, leaves, tiles and checkpoints against each other, and against kept checkpoints."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, transaction

from audit.ledger import merkle, tiles
from audit.ledger.merkle import Frontier
from audit.ledger.tiles import NotStored, StoredTree
from audit.models import Tile
from audit.verification import heads, rows
from audit.verification.faults import Fault, FaultFound, FaultKind
from audit.verification.heads import SignedHead

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at: entries, heads that fit, how many hashes that took, and the first fault, if any."""

    size: int
    heads: int
    hashes: int
    fault: Fault | None


def whole(*, kept: Sequence[str] = (), since: str = "", progress: Progress = lambda _count: None) -> Report:
    """Verify everything, or what came after the checkpoint `since`, a signed note.

    Everything has to fit the checkpoints that are stored and the signed notes that were `kept` elsewhere.
    `progress` is told how many entries were looked at since it was told last.
    """
    walk = _Walk(progress)
    with _snapshot():
        try:
            walk.run(kept, since)
        except FaultFound as end:
            return walk.report(end.fault)
    return walk.report(None)


def subject(name: str) -> Report:
    """Verify the entries of one subject, by their proofs to the newest checkpoint. What is not signed yet is left out.

    A row that is gone without a trace of its index is found by `whole` alone.
    """
    leaves = rows.of_subject(name)
    with _snapshot():
        try:
            own = heads.stored()
            signed = [row for row in leaves if own and row.leaf_index < own[-1].size]
            for row in signed:
                _prove(row.leaf_index, rows.check(row), own[-1])
        except FaultFound as fault:
            return Report(len(leaves), 0, 0, fault.fault)
    return Report(len(signed), 1 if signed else 0, 0, None)


def _prove(index: int, hashed: bytes, head: SignedHead) -> None:
    try:
        proof = StoredTree(head.size).inclusion_proof(index)
        merkle.verify_inclusion(index=index, size=head.size, leaf=hashed, proof=proof, root=head.root)
    except (NotStored, merkle.InvalidProof) as error:
        text = f"It cannot be proved to be in the checkpoint of {head.size} entries."
        raise FaultFound(FaultKind.FORK, index, text) from error


@dataclass(slots=True)
class _Walk:
    """One pass over the leaves, with the tree that they make."""

    progress: Progress
    begun: int = 0
    size: int = 0
    good: int = 0
    """Up to here a signed head vouches for what was read."""
    fitting: int = 0
    hashes: int = 0
    tree: Frontier = field(default_factory=Frontier)
    levels: list[list[bytes]] = field(default_factory=lambda: [[]])
    """The hashes of the tile of each level that is not complete yet."""

    def run(self, kept: Sequence[str], since: str) -> None:
        """Read everything once. Raises FaultFound."""
        if since:
            self._begin(since)
        own = heads.stored(after=self.size)
        every = heads.joined(own, kept)
        signed = iter(every)
        head = self._compare(next(signed, None), signed)
        for row in rows.in_order(self.size):
            if row.leaf_index != self.size:
                raise FaultFound(FaultKind.MISSING, self.size, "There is no leaf at this index.")
            self._add(rows.check(row))
            if head is not None and head.size == self.size:
                head = self._compare(head, signed)
            if self.size % rows.BATCH == 0:
                self.progress(rows.BATCH)
        if head is not None:
            text = f"{head.size} entries were signed, {self.size} are there."
            raise FaultFound(FaultKind.TRUNCATED, self.size, text)
        self._require_no_other_tiles()
        sizes = {head.size for head in own}
        for lost in (head for head in every if head.is_kept and head.size > self.begun and head.size not in sizes):
            text = f"The checkpoint of {lost.size} entries was signed and is not stored any more."
            raise FaultFound(FaultKind.MISSING, max(lost.size - 1, 0), text)
        self.progress(self.size % rows.BATCH)

    def report(self, fault: Fault | None) -> Report:
        """Return what came of it."""
        return Report(self.size, self.fitting, self.hashes, fault)

    def _begin(self, since: str) -> None:
        """Take the tree up to a signed head as it is stored, if its root is the signed one."""
        (head,) = heads.joined([], [since])
        try:
            stored = StoredTree(head.size)
            if stored.root() != head.root:
                text = f"The checkpoint of {head.size} entries has another root than the stored tree."
                raise FaultFound(FaultKind.FORK, 0, text)
            edge = [stored.subtree(*each) for each in merkle.complete_subtrees(0, head.size)]
            self.tree = Frontier.of(head.size, edge)
            self.levels = _partial_tiles(head.size)
        except NotStored as error:
            raise FaultFound(FaultKind.TRUNCATED, tiles.size(), f"{head.size} entries were signed.") from error
        self.begun = self.size = self.good = head.size

    def _compare(self, head: SignedHead | None, others: Iterator[SignedHead]) -> SignedHead | None:
        """Compare the tree with every head of its size, and return the next larger one."""
        while head is not None and head.size <= self.size:
            if head.size == self.size:
                if head.root != self.tree.root():
                    where = "a checkpoint that was kept" if head.is_kept else "the checkpoint"
                    text = f"Entries {self.good} to {max(self.size - 1, 0)} are not those that {where} has signed."
                    raise FaultFound(FaultKind.FORK, self.good, text)
                self.good = self.size
                self.fitting += 1
            head = next(others, None)
        return head

    def _add(self, hashed: bytes) -> None:
        self.tree.append(hashed)
        self.size += 1
        self.hashes += 3  # commitment, leaf and, over many, one node
        level, row = 0, self.levels[0]
        row.append(hashed)
        while len(row) == tiles.WIDTH:
            root = self._check_tile(level, row)
            level += 1
            if len(self.levels) == level:
                self.levels.append([])
            self.levels[level - 1] = []
            row = self.levels[level]
            row.append(root)

    def _check_tile(self, level: int, row: list[bytes]) -> bytes:
        """Compare the stored tile with the hashes that it should hold, and return their root. Raises FaultFound."""
        covered = tiles.WIDTH << level * tiles.HEIGHT
        index = self.size // covered - 1
        first = index * covered
        tile = Tile.objects.filter(level=level, index=index).first()
        if tile is None:
            raise FaultFound(FaultKind.MISSING, first, f"Tile {level}/{index} is missing.")
        whole, expected = bytes(tile.hashes), b"".join(row)
        if whole != expected:
            raise self._wrong_tile(tile, row)
        root = merkle.root_of(row)
        self.hashes += tiles.WIDTH - 1
        if bytes(tile.root) != root:
            raise FaultFound(FaultKind.CHANGED, first, f"Tile {level}/{index} has another root than its hashes.")
        return root

    @staticmethod
    def _wrong_tile(tile: Tile, row: list[bytes]) -> FaultFound:
        """Say from which index on a tile differs, and whether its hashes only stand in another order."""
        whole = bytes(tile.hashes)
        parts = [whole[at : at + merkle.HASH_SIZE] for at in range(0, len(whole), merkle.HASH_SIZE)]
        place = next((at for at, (one, other) in enumerate(zip(parts, row, strict=False)) if one != other), 0)
        index = (tile.index * tiles.WIDTH + place) << tile.level * tiles.HEIGHT
        kind = FaultKind.REORDERED if sorted(parts) == sorted(row) else FaultKind.CHANGED
        return FaultFound(kind, index, f"Tile {tile.level}/{tile.index} holds other hashes than the entries have.")

    def _require_no_other_tiles(self) -> None:
        expected = sum(self.size >> (level + 1) * tiles.HEIGHT for level in range(8))
        if Tile.objects.count() != expected:
            raise FaultFound(FaultKind.CHANGED, self.size, "There are tiles that belong to no entries.")


def _partial_tiles(size: int) -> list[list[bytes]]:
    """Return the hashes of each level's tile that is not complete in a tree of `size`."""
    levels, level = [], 0
    while level == 0 or size >> level * tiles.HEIGHT:
        count = size >> level * tiles.HEIGHT
        begun = count % tiles.WIDTH
        levels.append(tiles.hashes(level, count - begun, begun) if begun else [])
        level += 1
    return levels


@contextmanager
def _snapshot() -> Iterator[None]:
    """Let all statements see the same moment; in a transaction, the caller's."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield

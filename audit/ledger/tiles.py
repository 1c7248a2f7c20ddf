"""The stored tree: hashes of leaves, and tiles of 256 hashes (C2SP tlog-tiles). Reading only.

Only complete tiles are stored. What is still partial is the last leaves, or the roots of the last tiles of the level
below; so a proof in a tree of any size reads two rows or three for each level.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from audit.ledger import merkle
from audit.models import Leaf, Tile

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT


class NotStored(LookupError):
    """The tree does not hold a hash that it should hold."""


def size() -> int:
    """Return how many entries the tree holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(index) + 1, 0) FROM audit_leaf")
        row = cursor.fetchone()
    return int(row[0])


def hashes(level: int, start: int, count: int) -> list[bytes]:
    """Return `count` hashes of a level of tiles, from `start`, all in one tile. Raises NotStored."""
    tile, offset = divmod(start, WIDTH)
    if offset + count > WIDTH:
        raise ValueError("hashes() reads from one tile.")
    row = Tile.objects.filter(level=level, index=tile).values_list("hashes", flat=True).first()
    if row is not None:
        whole = bytes(row)
        part = [whole[at : at + merkle.HASH_SIZE] for at in range(0, len(whole), merkle.HASH_SIZE)]
        part = part[offset : offset + count]
    else:
        part = _partial(level, start, count)
    if len(part) != count:
        raise NotStored(f"Hashes {start} to {start + count - 1} of level {level} are not all there.")
    return part


def _partial(level: int, start: int, count: int) -> list[bytes]:
    span = {"index__gte": start, "index__lt": start + count}
    if level == 0:
        return [bytes(row) for row in Leaf.objects.filter(**span).order_by("index").values_list("hash", flat=True)]
    below = Tile.objects.filter(level=level - 1, **span)
    return [bytes(row) for row in below.order_by("index").values_list("root", flat=True)]


@dataclass(slots=True)
class StoredTree:
    """The tree as it was when it held `size` entries: its root and its proofs. Remembers the tiles that it read."""

    size: int
    _read: dict[tuple[int, int], Sequence[bytes]] = field(default_factory=dict)

    def root(self) -> bytes:
        """Return its root."""
        return merkle.tree_root(self.size, self.subtree)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Prove that an entry is in it."""
        return merkle.inclusion_proof(index, self.size, self.subtree)

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """Prove that it begins with the tree of `old_size`."""
        return merkle.consistency_proof(old_size, self.size, self.subtree)

    def subtree(self, height: int, index: int) -> bytes:
        """Return the hash of a complete subtree. Raises NotStored."""
        level, rest = divmod(height, HEIGHT)
        start, count = index << rest, 1 << rest
        tile, offset = divmod(start, WIDTH)
        if (level, tile) not in self._read:
            width = min(WIDTH, (self.size >> level * HEIGHT) - tile * WIDTH)
            self._read[level, tile] = hashes(level, tile * WIDTH, width)
        return merkle.root_of(self._read[level, tile][offset : offset + count])

"""Merkle trees of RFC 6962: hashes, proofs that a leaf is in a tree, proofs that a tree only grew. PURE.

A proof is made from the hashes of complete subtrees, which a caller keeps: `subtree(height, index)` is the hash
of the leaves `index * 2**height` and the 2**height - 1 after it.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

Subtree = Callable[[int, int], bytes]

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_MOST_LEAVES: Final = 1 << 63


class InvalidProof(ValueError):
    """The proof does not prove it; the text says why."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash one leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over the hashes of equally high complete subtrees; linear."""
    tree = Frontier()
    for each in hashes:
        tree.append(each)
    return tree.root()


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: all that appending and the root need, log2(size) hashes."""

    size: int = 0
    _edge: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, edge: Sequence[bytes]) -> Self:
        """Go on from a tree of `size` leaves, whose complete subtrees are `edge`, left to right."""
        return cls(size, list(edge))

    def append(self, hashed: bytes) -> None:
        """Add one leaf by its hash."""
        size = self.size
        while size & 1:
            hashed = hashlib.sha256(b"\x01" + self._edge.pop() + hashed).digest()
            size >>= 1
        self._edge.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root


def tree_root(size: int, subtree: Subtree) -> bytes:
    """Return the root of a tree of `size` leaves."""
    return _range_hash(0, size, subtree) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the proof (RFC 6962, 2.1.1) that leaf `index` is in the tree of `size` leaves. Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of {size}.")
    proof = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            proof.append(_range_hash(low, middle, subtree))
            low = middle
    proof.reverse()
    return proof


def consistency_proof(old_size: int, new_size: int, subtree: Subtree) -> list[bytes]:
    """Return the proof (RFC 6962, 2.1.2) that the tree of `new_size` begins with that of `old_size`.

    It is empty where either is the same or the old one is empty. Raises ValueError.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"A tree of {new_size} does not grow from one of {old_size}.")
    if old_size in {0, new_size}:
        return []
    proof = []
    low, high = 0, new_size
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            proof.append(_range_hash(low, middle, subtree))
            low = middle
    if low:
        proof.append(_range_hash(low, high, subtree))
    proof.reverse()
    return proof


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with hash `leaf` stands at `index` in the tree (RFC 9162, 2.1.3.2). Raises InvalidProof."""
    _require_sizes(index, size)
    _require_hashes([leaf, root, *proof])
    if index >= size:
        raise InvalidProof("The index lies outside the tree.")
    position, last, hashed = index, size - 1, leaf
    for part in proof:
        if last == 0:
            raise InvalidProof("The proof is too long.")
        if position & 1 or position == last:
            hashed = node_hash(part, hashed)
            position, last = _climb(position, last)
        else:
            hashed = node_hash(hashed, part)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise InvalidProof("The proof is too short.")
    if hashed != root:
        raise InvalidProof("The proof leads to another root.")


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one (RFC 9162, 2.1.4.2). Raises InvalidProof."""
    _require_sizes(old_size, new_size)
    _require_hashes([old_root, new_root, *proof])
    if old_size > new_size:
        raise InvalidProof("The later tree is smaller.")
    if old_size in {0, new_size}:
        _verify_without_growth(old_size, old_root, new_size, new_root, proof)
        return
    parts = list(proof)
    if old_size & (old_size - 1) == 0:
        parts.insert(0, old_root)
    if not parts:
        raise InvalidProof("The proof is empty.")
    old, new = _both_roots(parts, old_size - 1, new_size - 1)
    if old != old_root:
        raise InvalidProof("The proof leads to another earlier root.")
    if new != new_root:
        raise InvalidProof("The proof leads to another root.")


def _both_roots(parts: Sequence[bytes], position: int, last: int) -> tuple[bytes, bytes]:
    """Climb from the last leaf of the old tree to the roots of both. Raises InvalidProof."""
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if last == 0:
            raise InvalidProof("The proof is too long.")
        if position & 1 or position == last:
            old, new = node_hash(part, old), node_hash(part, new)
            position, last = _climb(position, last)
        else:
            new = node_hash(new, part)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise InvalidProof("The proof is too short.")
    return old, new


def _verify_without_growth(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise InvalidProof("There is nothing to prove, and yet a proof.")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise InvalidProof("An empty tree has another root.")
    if old_size == new_size and old_root != new_root:
        raise InvalidProof("Trees of one size have different roots.")


def _climb(position: int, last: int) -> tuple[int, int]:
    """Go up to where `position` is a right-hand child, or the first."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _require_sizes(*numbers: int) -> None:
    if not all(0 <= number < _MOST_LEAVES for number in numbers):
        raise InvalidProof("An index or a size is out of range.")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_SIZE for each in hashes):
        raise InvalidProof("A hash has the wrong length.")


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def complete_subtrees(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Name the complete subtrees (height, index) that make up the leaves from `low`, left to right.

    `low` is a multiple of every power of two up to the number of leaves, as each left edge in a proof is.
    """
    while low < high:
        height = (high - low).bit_length() - 1
        yield height, low >> height
        low += 1 << height


def _range_hash(low: int, high: int, subtree: Subtree) -> bytes:
    parts = [subtree(height, index) for height, index in complete_subtrees(low, high)]
    hashed = parts[-1]
    for left in reversed(parts[:-1]):
        hashed = node_hash(left, hashed)
    return hashed

"""Trees of RFC 6962: published vectors, every small tree against the definition, and proofs that prove nothing."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ledger import merkle
from audit.ledger.merkle import EMPTY_ROOT, Frontier, InvalidProof
from tests import vectors


def _bytes(text):
    return base64.b64decode(text or "")


def _cases(kind):
    return sorted((path.parent.name, path.name, path) for path in vectors.folder("merkle").glob(f"{kind}/*/*.json"))


def _refuses(check, **given_proof):
    try:
        check(**given_proof)
    except InvalidProof:
        return True
    return False


def test_published_inclusion_proofs():
    cases = _cases("inclusion")
    for _group, name, path in cases:
        case = json.loads(path.read_text())
        refused = _refuses(
            merkle.verify_inclusion, index=case["leafIdx"], size=case["treeSize"], leaf=_bytes(case["leafHash"]),
            proof=[_bytes(part) for part in case["proof"] or []], root=_bytes(case["root"]),
        )  # fmt: skip
        assert refused == case["wantErr"], (path.parent.name, name)
    assert len(cases) > 40


def test_published_consistency_proofs():
    cases = _cases("consistency")
    for _group, name, path in cases:
        case = json.loads(path.read_text())
        refused = _refuses(
            merkle.verify_consistency, old_size=case["size1"], new_size=case["size2"], old_root=_bytes(case["root1"]),
            new_root=_bytes(case["root2"]), proof=[_bytes(part) for part in case["proof"] or []],
        )  # fmt: skip
        assert refused == case["wantErr"], (path.parent.name, name)
    assert len(cases) > 40


def by_definition(leaves):
    """The tree's root as RFC 6962, 2.1 writes it down."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


LEAVES = [f"leaf {number}".encode() for number in range(40)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def subtree(height, index):
    return merkle.root_of(HASHES[index << height : (index + 1) << height])


@pytest.mark.parametrize("size", range(40))
def test_every_way_to_a_root_agrees_with_the_definition(size):
    root = by_definition(LEAVES[:size])
    assert merkle.root_of(HASHES[:size]) == merkle.tree_root(size, subtree) == root


def test_every_leaf_of_every_small_tree_is_proved_and_no_other():
    for size in range(1, 24):
        root = merkle.root_of(HASHES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, subtree)
            merkle.verify_inclusion(index=index, size=size, leaf=HASHES[index], proof=proof, root=root)
            for other in (other for other in range(size + 2) if other != index):
                assert _refuses(
                    merkle.verify_inclusion, index=other, size=size, leaf=HASHES[index], proof=proof, root=root
                )


def test_every_small_tree_grows_from_every_smaller_one():
    for new_size in range(40):
        new_root = merkle.root_of(HASHES[:new_size])
        for old_size in range(new_size + 1):
            old_root = merkle.root_of(HASHES[:old_size])
            proof = merkle.consistency_proof(old_size, new_size, subtree)
            sizes = {"old_size": old_size, "new_size": new_size}
            merkle.verify_consistency(**sizes, old_root=old_root, new_root=new_root, proof=proof)
            assert _refuses(
                merkle.verify_consistency, **sizes, old_root=old_root, new_root=new_root, proof=[*proof, HASHES[0]]
            )
            if old_size:
                assert _refuses(merkle.verify_consistency, **sizes, old_root=HASHES[39], new_root=new_root, proof=proof)


@given(st.integers(1, 39), st.data())
def test_no_changed_bit_is_accepted(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, subtree)
    parts = [HASHES[index], merkle.root_of(HASHES[:size]), *proof]
    place = data.draw(st.integers(0, len(parts) - 1))
    changed = bytearray(parts[place])
    changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    parts[place] = bytes(changed)
    assert _refuses(merkle.verify_inclusion, index=index, size=size, leaf=parts[0], proof=parts[2:], root=parts[1])


def test_empty_trees():
    assert Frontier().root() == merkle.tree_root(0, subtree) == EMPTY_ROOT
    empty = {"old_size": 0, "old_root": EMPTY_ROOT}
    merkle.verify_consistency(**empty, new_size=0, new_root=EMPTY_ROOT, proof=[])
    merkle.verify_consistency(**empty, new_size=3, new_root=subtree(0, 1), proof=[])
    assert _refuses(merkle.verify_consistency, **empty, new_size=3, new_root=subtree(0, 1), proof=[HASHES[0]])
    assert _refuses(
        merkle.verify_consistency, old_size=0, old_root=HASHES[0], new_size=3, new_root=subtree(0, 1), proof=[]
    )
    assert _refuses(merkle.verify_inclusion, index=0, size=0, leaf=HASHES[0], proof=[], root=EMPTY_ROOT)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_there_is_no_proof_of_what_is_not_there(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(index, size, subtree)


@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_no_tree_grows_from_a_larger_one(old, new):
    with pytest.raises(ValueError, match="does not grow"):
        merkle.consistency_proof(old, new, subtree)


@pytest.mark.parametrize(
    "wrong", [{"leaf": b""}, {"root": b"short"}, {"proof": [b"x"] * 2}, {"index": 1 << 64}, {"size": -1}]
)
def test_what_is_malformed_is_no_proof(wrong):
    good = {"index": 1, "size": 3, "leaf": HASHES[1], "root": subtree(2, 0)}
    given_proof = {**good, "proof": merkle.inclusion_proof(1, 3, subtree), **wrong}
    assert _refuses(merkle.verify_inclusion, **given_proof)

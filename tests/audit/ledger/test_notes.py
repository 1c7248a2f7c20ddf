"""Signed notes and checkpoints: published signatures, the standard's own example, and what is malformed."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.ledger import notes
from audit.ledger.merkle import EMPTY_ROOT
from audit.ledger.notes import InvalidNote, Note, TreeHead, UnknownSigner, VerifierKey
from tests import vectors

# The example of the signed-note standard.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey.of("portal.example/ledger", KEY.public_key().public_bytes_raw())
HEAD = TreeHead("portal.example/ledger", 7, bytes(range(32)))


def signed(text=None, *keys):
    return notes.sign(HEAD.text() if text is None else text, name="portal.example/ledger", keys=keys or [KEY])


def test_published_signatures():
    groups = json.loads((vectors.folder("ed25519") / "ed25519_test.json").read_text())["testGroups"]
    tried = 0
    for group in groups:
        key = VerifierKey.of("a", bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            accepted = key.accepts(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert accepted == (case["result"] == "valid"), case["tcId"]
            tried += 1
    assert tried > 100


def test_the_standards_example():
    key = VerifierKey.parse(EXAMPLE_KEY)
    note = Note.parse(EXAMPLE)
    assert str(key) == EXAMPLE_KEY
    assert str(note) == EXAMPLE
    assert note.verified([key]) == (key,)
    assert note.text == "This is an example message.\n"


def test_a_checkpoint_is_written_and_read_again():
    note = Note.parse(str(signed()))
    assert note.verified([VERIFIER]) == (VERIFIER,)
    assert TreeHead.parse(note.text) == HEAD
    assert TreeHead.parse(TreeHead("a", 0, EMPTY_ROOT).text() + "an extension\n").size == 0


def test_signatures_of_unknown_keys_are_passed_over():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    both = signed(None, other, KEY)
    assert both.verified([VERIFIER]) == (VERIFIER,)
    with pytest.raises(UnknownSigner):
        signed(None, other).verified([VERIFIER])
    with pytest.raises(UnknownSigner):
        signed().verified([])


def test_after_a_rotation_old_and_new_notes_are_good():
    new = Ed25519PrivateKey.from_private_bytes(bytes(reversed(range(32))))
    new_verifier = VerifierKey.of("portal.example/ledger", new.public_key().public_bytes_raw())
    keys = [new_verifier, VERIFIER]
    assert signed().verified(keys) == (VERIFIER,)
    assert signed(None, new).verified(keys) == (new_verifier,)
    assert signed(None, new, KEY).verified(keys) == (new_verifier, VERIFIER)


def test_a_key_of_another_name_is_unknown():
    stranger = VerifierKey.of("other.example/ledger", VERIFIER.public)
    assert stranger.id != VERIFIER.id
    with pytest.raises(UnknownSigner):
        signed().verified([stranger])


def test_one_wrong_signature_of_a_known_key_spoils_the_note():
    good = signed()
    (line,) = good.signatures
    forged = notes.Signature(line.name, line.key_id, bytes(64))
    for order in ((line, forged), (forged, line)):
        with pytest.raises(InvalidNote, match="does not fit"):
            Note(good.text, order).verified([VERIFIER])


def test_a_changed_text_is_not_what_was_signed():
    with pytest.raises(InvalidNote, match="does not fit"):
        Note.parse(str(signed()).replace("\n7\n", "\n8\n")).verified([VERIFIER])


MALFORMED = {
    "nothing": "",
    "no signature": "text\n",
    "no empty line": str(signed()).replace("\n\n", "\n"),
    "no line end": str(signed())[:-1],
    "another dash": str(signed()).replace("—", "-"),
    "no name": "text\n\n— AAAAAAAA\n",
    "no base64": "text\n\n— a !!!!\n",
    "base64 without its padding": "text\n\n— a AAAAAAA\n",
    "base64 with stray bits": "text\n\n— a AAAAAAB=\n",
    "too short": "text\n\n— a AAAAAA==\n",
    "a plus in the name": "text\n\n— a+b AAAAAAAA\n",
    "a control character": "te\txt\n\n— a AAAAAAAA\n",
    "a carriage return": str(signed()).replace("\n", "\r\n"),
    "half a character": "te\ud800xt\n\n— a AAAAAAAA\n",
    "text behind the signatures": str(signed()) + "more\n",
    "too many signatures": "text\n\n" + "— a AAAAAAAA\n" * 101,
    "too long": "x" * (1 << 20) + "\n\n— a AAAAAAAA\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_no_note(text):
    with pytest.raises(InvalidNote):
        Note.parse(text)


ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
HEADS = {
    "two lines": "a\n7\n",
    "no origin": f"\n7\n{ROOT}\n",
    "a leading zero": f"a\n07\n{ROOT}\n",
    "a sign": f"a\n+7\n{ROOT}\n",
    "other digits": f"a\n٧\n{ROOT}\n",
    "no number": f"a\nseven\n{ROOT}\n",
    "too large": f"a\n{10**20}\n{ROOT}\n",
    "a short root": "a\n7\nAAEC\n",
    "an empty line": f"a\n7\n{ROOT}\n\nmore\n",
    "no line end": f"a\n7\n{ROOT}",
}


@pytest.mark.parametrize("text", HEADS.values(), ids=HEADS)
def test_what_is_malformed_is_no_checkpoint(text):
    with pytest.raises(InvalidNote):
        TreeHead.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a+b", EXAMPLE_KEY.replace("530d903a", "530d903b"), EXAMPLE_KEY.replace("foo", "bar"),
        EXAMPLE_KEY[:-2], EXAMPLE_KEY.replace("+Ae", "+Be"), "a b+00000000+AAAA",
    ],
)  # fmt: skip
def test_what_is_malformed_is_no_verifier_key(text):
    with pytest.raises(InvalidNote):
        VerifierKey.parse(text)


@pytest.mark.parametrize("text", ["", "no line end", "a\n\n— b AAAA\n\x07"])
def test_only_whole_lines_are_signed(text):
    with pytest.raises(InvalidNote):
        signed(text)

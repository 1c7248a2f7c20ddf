"""A stranger verifies a pack offline, with a program that shares nothing with the portal; every change is found."""

import ast
import json
import random
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit import canonical
from audit.evidence import collectors, contents, exports, pack
from audit.evidence.collectors import EvidenceFile
from audit.evidence.contents import NothingRecorded
from audit.evidence.verifiers import verify
from audit.ledger import checkpoints, keys
from audit.ledger.entries import Actor
from audit.models import Entry
from tests.audit.ledger.log import append, grow, signed

BODY = b'{"amount":4000}'
WHO = Actor("user:1", "ann")
VERIFIER = Path(verify.__file__)


@pytest.fixture
def brought(monkeypatch):
    """A file that an entry names, and one that none does."""
    files = [
        EvidenceFile("payloads/revision-1.json", BODY, canonical.digest(BODY)),
        EvidenceFile("payloads/stranger.json", b"{}", canonical.digest(b"{}")),
    ]
    monkeypatch.setattr(collectors, "_COLLECTORS", {"test": lambda _subject, _data: files})


@pytest.fixture
def made(db, brought):
    """The pack of a subject whose entries lie between others, on both sides of a checkpoint."""
    grow(3)
    about("begun", digest=canonical.digest(BODY))
    signed(4, first=10)
    about("told", words="Grüße an alle 🎉 </script><script>alert(1)</script> &amp; 1e22", number=1e22, small=1e-9)
    grow(5, first=20)
    about("done")
    grow(2, first=30)
    return pack.of_subject("proposal:7", title="Proposal 7")


def about(what, **data):
    append(0, subject="proposal:7", data={"what": what, **data})


def unpacked(body, folder):
    with zipfile.ZipFile(BytesIO(body)) as archive:
        archive.extractall(folder)
    return folder


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-I", folder / "verify.py", *map(str, arguments)],
        cwd="/", capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_stranger_verifies_it_in_an_empty_folder(made, tmp_path):
    folder = unpacked(made, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.txt", "entries.jsonl", "pack.json", "payloads", "report.html", "verify.py",
    ]  # fmt: skip
    code, told = run(folder)
    assert (code, told.splitlines()[-1]) == (0, "VERIFIED"), told
    assert "3 entries and 1 files fit the checkpoint of" in told
    assert run(folder, "--key", keys.verifier_keys()[0])[0] == 0
    assert (folder / "payloads" / "revision-1.json").read_bytes() == BODY


def test_the_verifier_shares_no_code_with_the_portal():
    tree = ast.parse(VERIFIER.read_text())
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }  # fmt: skip
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names, "cryptography"}


def test_the_same_request_gives_the_same_bytes(made):
    assert pack.of_subject("proposal:7", title="Proposal 7") == made
    signed(5, first=40)
    assert pack.of_subject("proposal:7", title="Proposal 7") == made, "whatever else was recorded meanwhile"


def test_it_holds_an_earlier_checkpoint_and_the_proof_that_the_ledger_only_grew(made):
    index = contents.of_subject("proposal:7").index
    (earlier,) = index["earlier"]
    assert earlier["note"] == checkpoints.covering(3).note
    assert earlier["proof"]


def test_of_one_checkpoint_there_is_nothing_earlier(db, brought):
    about("done")
    assert contents.of_subject("proposal:7").index["earlier"] == []


def test_a_key_or_a_checkpoint_from_elsewhere_decides(made, tmp_path):
    folder = unpacked(made, tmp_path)
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    code, told = run(folder, "--key", other)
    assert (code, "No known key has signed" in told) == (1, True)
    mine = tmp_path / "mine"
    mine.write_text(checkpoints.covering(16).note)
    assert run(folder, "--checkpoint", mine)[0] == 0
    mine.write_text("nonsense")
    assert run(folder, "--checkpoint", mine)[0] in {1, 2}


CHANGES = {
    "an entry's data": ("entries.jsonl", "begun", "begum", "Row 1"),
    "an entry's kind": ("entries.jsonl", "thing.done", "thing.gone", "Row 1"),
    "a salt": ("entries.jsonl", '"salt":"', '"salt":"0', "Row 1"),
    "an index": ("entries.jsonl", '"index":3', '"index":4', "Row 1"),
    "a payload": ("payloads/revision-1.json", "4000", "4001", "File payloads/revision-1.json"),
    "the size": ("pack.json", "ledger\\n", "ledger\\n1", "Checkpoint"),
    "a digest": ("pack.json", '"digest":"sha256:', '"digest":"sha256:0', "File"),
    "the count": ("pack.json", '"count":3', '"count":4', "Rows"),
    "the signature": ("pack.json", "\u2014 ", "\u2014 x", "Checkpoint"),
}


@pytest.mark.parametrize(("name", "before", "after", "told"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_named(made, tmp_path, name, before, after, told):
    folder = unpacked(made, tmp_path)
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert any(fault.startswith(told) for fault in verify.verify(folder, None, None))


def test_a_row_that_was_left_out_is_missed(made, tmp_path):
    folder = unpacked(made, tmp_path)
    path = folder / "entries.jsonl"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
    assert verify.verify(folder, None, None) == ["Rows: 3 belong to the pack, 2 are there."]


def test_any_changed_byte_is_found(made, tmp_path):
    """In entries, index and payload; what a byte cannot change is JSON's own white space and the format's name."""
    folder, rng = unpacked(made, tmp_path), random.Random(7)
    unnoticed = []
    for _ in range(400):
        path = folder / rng.choice(["entries.jsonl", "pack.json", "payloads/revision-1.json"])
        good = path.read_bytes()
        changed = bytearray(good)
        changed[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(changed))
        try:
            faults = verify.verify(folder, str(keys.verifier_keys()[0]), None)
        except (OSError, ValueError, KeyError, TypeError, verify.NotVerified):
            faults = ["unreadable"]
        if not faults and _matters(good, bytes(changed)):
            unnoticed.append((path.name, bytes(changed)))
        path.write_bytes(good)
    assert unnoticed == []


def _matters(good, changed):
    """Whether what was changed is part of what the pack proves: not its name, its subject's, or a list of keys."""
    try:
        one, other = json.loads(good), json.loads(changed)
    except ValueError:
        return True
    for name in ("format", "subject", "keys"):
        one.pop(name, None)
        other.pop(name, None)
    return one != other and one.keys() == other.keys()


def test_data_cannot_leave_its_place_in_the_page(made, tmp_path):
    page = (unpacked(made, tmp_path) / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert page.count("<script") == 1 + 1 + 3 + 1, "the script, the index, three entries, one file"


def test_nothing_was_recorded_of_what_is_not_there(db):
    grow(1)
    with pytest.raises(NothingRecorded):
        pack.of_subject("proposal:none", title="x")


def test_an_export_is_an_entry(made):
    exports.export("proposal:7", title="Proposal 7", by=WHO)
    entry = Entry.objects.first()
    assert (entry.kind, entry.subject, entry.actor_name) == ("evidence.exported", "user:1", "ann")
    assert entry.data == {"subject": "proposal:7", "digest": canonical.digest(made), "bytes": len(made)}


def test_the_command_writes_it(made, tmp_path, capsys):
    out = tmp_path / "pack.zip"
    call_command("ledger", "pack", "--proposal", "7", "--out", str(out))
    assert out.read_bytes() == made
    with pytest.raises(CommandError, match="holds nothing"):
        call_command("ledger", "pack", "--proposal", "8", "--out", str(out))
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("ledger", "pack", "--proposal", "7", "--out", str(tmp_path / "no" / "way"))

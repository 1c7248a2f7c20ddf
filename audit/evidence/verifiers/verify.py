"""Verifies an evidence pack of a HITL Portal: this file shares no code with the portal.

It needs Python 3.9 or newer and the package `cryptography`; nothing is fetched. Run it beside the pack's other files,
or name the folder:

    python verify.py [FOLDER] [--key NAME+ID+KEY] [--checkpoint FILE]

The pack names the key that signed it, and anybody could make a pack and a key. So get the portal's key, or one of its
checkpoints, in another way than with the pack, and hand it over: `--key`, `--checkpoint`. Exit codes: 0 verified,
1 not verified, 2 cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COMMITMENT_DOMAIN = b"hitl-portal/entry/v1\n"


class NotVerified(Exception):
    """Something does not fit; the text says what."""


def sha256(data: bytes) -> bytes:
    """Hash."""
    return hashlib.sha256(data).digest()


def unbase64(encoded: str) -> bytes:
    """Decode base64 in its one right form: others would let a changed byte pass."""
    raw = base64.b64decode(encoded, validate=True)
    require(base64.b64encode(raw).decode() == encoded, "That is no canonical base64.")
    return raw


def unhex(digits: str) -> bytes:
    """Decode lower-case hexadecimal, in its one right form."""
    raw = bytes.fromhex(digits)
    require(raw.hex() == digits, "That is no lower-case hexadecimal.")
    return raw


def require(holds: bool, text: str) -> None:
    """Raise NotVerified unless it holds."""
    if not holds:
        raise NotVerified(text)


def read_key(text: str) -> tuple[str, bytes, bytes]:
    """Read a verifier key: its name, its id, its 32 bytes."""
    name, key_id, encoded = text.split("+", 2)
    raw = unbase64(encoded)
    require(len(raw) == 33 and raw[0] == 1, f"The key {text} is no Ed25519 key.")
    require(sha256(name.encode() + b"\n" + raw)[:4].hex() == key_id, f"The key {text} has another id.")
    return name, unhex(key_id), raw[1:]


def read_checkpoint(note: str, keys: list[str]) -> tuple[int, bytes]:
    """Return size and root of a signed checkpoint."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    is_signed = False
    for line in lines.rstrip("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        signature = unbase64(encoded)
        require(dash == "\u2014", "A signature line of a checkpoint is malformed.")
        for key_name, key_id, public in map(read_key, keys):
            if (key_name, key_id) != (name, signature[:4]):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise NotVerified("The signature of a checkpoint does not fit.") from None
            is_signed = True
    require(is_signed, "No known key has signed a checkpoint.")
    _origin, size, root = text.split("\n")[:3]
    return int(size), unbase64(root)


def root_of_inclusion(index: int, size: int, hashed: bytes, proof: list[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    require(0 <= index < size, "The index lies outside the tree.")
    first, last = index, size - 1
    for part in proof:
        require(last > 0, "The proof is too long.")
        if first % 2 or first == last:
            hashed = sha256(b"\x01" + part + hashed)
            while first and not first % 2:
                first, last = first // 2, last // 2
        else:
            hashed = sha256(b"\x01" + hashed + part)
        first, last = first // 2, last // 2
    require(last == 0, "The proof is too short.")
    return hashed


def roots_of_consistency(old_size: int, new_size: int, old_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """Return the roots that a consistency proof leads to (RFC 9162, 2.1.4.2), for 0 < old_size < new_size."""
    require(0 < old_size < new_size, "The sizes of the checkpoints do not follow each other.")
    parts = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof
    require(bool(parts), "The consistency proof is empty.")
    first, last = old_size - 1, new_size - 1
    while first % 2:
        first, last = first // 2, last // 2
    old = new = parts[0]
    for part in parts[1:]:
        require(last > 0, "The consistency proof is too long.")
        if first % 2 or first == last:
            old, new = sha256(b"\x01" + part + old), sha256(b"\x01" + part + new)
            while first and not first % 2:
                first, last = first // 2, last // 2
        else:
            new = sha256(b"\x01" + new + part)
        first, last = first // 2, last // 2
    require(last == 0, "The consistency proof is too short.")
    return old, new


def check_entry(entry: dict[str, Any], size: int, root: bytes) -> None:
    """Check one entry: its document against its leaf, its leaf against the signed root."""
    leaf = json.loads(entry["leaf"])
    commitment = sha256(COMMITMENT_DOMAIN + unhex(entry["salt"]) + entry["document"].encode())
    require(commitment.hex() == leaf["commitment"], "its data are not those that were recorded.")
    json.loads(entry["document"])
    proof = [unhex(part) for part in entry["proof"]]
    reached = root_of_inclusion(entry["index"], size, sha256(b"\x00" + entry["leaf"].encode()), proof)
    require(reached == root, "it is not what stands at this index of the signed ledger.")


def check_consistency(pack: dict[str, Any], keys: list[str], latest: tuple[int, bytes]) -> None:
    """Check that the ledger only grew between the checkpoints of the pack."""
    for earlier in pack["earlier"]:
        size, root = read_checkpoint(earlier["note"], keys)
        if size == latest[0]:
            require(root == latest[1], "Two checkpoints of one size differ.")
            continue
        proof = [unhex(part) for part in earlier["proof"]]
        old, new = roots_of_consistency(size, latest[0], root, proof)
        require((old, new) == (root, latest[1]), f"The ledger was rewritten since it held {size} entries.")


def check_attachment(folder: Path, attachment: dict[str, Any], entries: dict[Any, Any]) -> None:
    """Check a file against the digest that an entry names."""
    digest = "sha256:" + sha256((folder / attachment["path"]).read_bytes()).hex()
    require(digest == attachment["digest"], "it is not the file that was recorded.")
    entry = entries.get(attachment["entry"])
    require(entry is not None and f'"{digest}"' in entry["document"], "no entry of the pack names it.")


def check_known(path: Path, keys: list[str], latest: tuple[int, bytes]) -> None:
    """Compare the pack's checkpoint with one that the reader has."""
    known = read_checkpoint(path.read_text(encoding="utf-8"), keys)
    if known[0] != latest[0]:
        say(f"Note: your checkpoint holds {known[0]} entries, the pack's {latest[0]}: they cannot be compared.")
        return
    require(known == latest, "its root differs from the one that you have.")


class Faults(list[str]):
    """What does not fit."""

    def attempt(self, what: str, check: Callable[..., None], *arguments: Any) -> None:
        """Carry a check out, and note what is wrong."""
        try:
            check(*arguments)
        except NotVerified as error:
            self.append(f"{what}: {error}")
        except (KeyError, TypeError, ValueError, OSError, AttributeError) as error:
            self.append(f"{what}: cannot be read ({error}).")


def check_entries(path: Path, latest: tuple[int, bytes], faults: Faults) -> dict[Any, Any]:
    """Check every entry, and return those that can be read by their index."""
    entries: dict[Any, Any] = {}
    for number, line in enumerate(filter(None, path.read_text(encoding="utf-8").split("\n")), 1):
        try:
            entry = json.loads(line)
            entries[entry["index"]] = entry
        except (KeyError, TypeError, ValueError):
            faults.append(f"Row {number}: cannot be read.")
            continue
        faults.attempt(f"Row {number} (entry {entry['index']})", check_entry, entry, *latest)
    return entries


def verify(folder: Path, key: str | None, checkpoint: Path | None) -> list[str]:
    """Return everything that does not fit; nothing means verified. Raises OSError or ValueError if it is unreadable."""
    faults = Faults()
    pack = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    keys = [key] if key else list(pack["keys"])
    try:
        latest = read_checkpoint(pack["checkpoint"], keys)
    except NotVerified as error:
        return [f"Checkpoint: {error}"]
    faults.attempt("Checkpoints", check_consistency, pack, keys, latest)
    if checkpoint is not None:
        faults.attempt("Checkpoint", check_known, checkpoint, keys, latest)
    entries = check_entries(folder / "entries.jsonl", latest, faults)
    if not faults and (len(entries) != pack["count"] or not entries):
        faults.append(f"Rows: {pack['count']} belong to the pack, {len(entries)} are there.")
    for attachment in pack["attachments"]:
        faults.attempt(f"File {attachment['path']}", check_attachment, folder, attachment, entries)
    if not faults:
        say(f"{len(entries)} entries and {len(pack['attachments'])} files fit the checkpoint of {latest[0]} entries.")
        say(f"It was signed by {keys[0]}" + ("." if key else " — compare this with a key that you got elsewhere."))
    return faults


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")


def main() -> int:
    """Verify what the command line names."""
    parser = argparse.ArgumentParser(description="Verify an evidence pack.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--key", help="the portal's verifier key, got elsewhere")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint of the portal, got elsewhere")
    options = parser.parse_args()
    try:
        faults = verify(options.folder, options.key, options.checkpoint)
    except (OSError, ValueError, KeyError, TypeError, NotVerified) as error:
        say(f"The pack cannot be read: {error}")
        return 2
    for fault in faults:
        say(fault)
    say("NOT VERIFIED" if faults else "VERIFIED")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

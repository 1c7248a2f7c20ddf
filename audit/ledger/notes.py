"""Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint), with Ed25519. PURE.

A note is text, an empty line, and signature lines. What an unknown key has signed is passed over; a note is
good if a known key has signed it, and bad if a signature of a known key does not fit.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.ledger.merkle import HASH_SIZE

_ED25519: Final = b"\x01"
_MARK: Final = "\u2014 "
_MOST_BYTES: Final = 1 << 20
_MOST_SIGNATURES: Final = 100
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class InvalidNote(ValueError):
    """It is no note, or not as it was signed; the text says why."""


class UnknownSigner(InvalidNote):
    """No key that is trusted has signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name; written `name+id+key`."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def of(cls, name: str, public: bytes) -> Self:
        """Make the verifier key of 32 bytes of Ed25519. Raises InvalidNote."""
        if not _NAME.fullmatch(name):
            raise InvalidNote("A key's name is not empty and has neither spaces nor a plus sign.")
        if len(public) != HASH_SIZE:
            raise InvalidNote("An Ed25519 key has 32 bytes.")
        digest = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()
        return cls(name, digest[:4], public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+id+key`. Raises InvalidNote."""
        match = _KEY.fullmatch(text)
        if match is None:
            raise InvalidNote("A verifier key is written name+id+key.")
        name, key_id, encoded = match.groups()
        raw = _decoded(encoded)
        if raw[:1] != _ED25519:
            raise InvalidNote("The key is of a kind other than Ed25519.")
        key = cls.of(name, raw[1:])
        if key.id.hex() != key_id:
            raise InvalidNote("The key's id does not belong to its name and key.")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def accepts(self, signature: bytes, message: bytes) -> bool:
        """Whether this key has signed `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Write it as it stands in a note."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, read and not yet verified."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a note. Raises InvalidNote."""
        if len(note.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
            raise InvalidNote("The note is too long.")
        if any((sign < " " and sign != "\n") or "\ud800" <= sign <= "\udfff" for sign in note):
            raise InvalidNote("A note has no control characters but line ends.")
        head, separator, tail = note.rpartition("\n\n")
        if not separator or not tail.endswith("\n"):
            raise InvalidNote("A note has an empty line before its signatures, and ends with a line end.")
        lines = tail[:-1].split("\n")
        if len(lines) > _MOST_SIGNATURES:
            raise InvalidNote("The note has too many signatures.")
        return cls(head + "\n", tuple(map(_signature, lines)))

    def verified(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return which of `keys` have signed it. Raises UnknownSigner, or InvalidNote for a wrong signature."""
        known = {(key.name, key.id): key for key in keys}
        signers: dict[VerifierKey, None] = {}
        message = self.text.encode()
        for each in self.signatures:
            key = known.get((each.name, each.key_id))
            if key is None:
                continue
            if not key.accepts(each.signature, message):
                raise InvalidNote(f"The signature of {key.name} does not fit.")
            signers[key] = None
        if not signers:
            raise UnknownSigner("No known key has signed this note.")
        return tuple(signers)

    def __str__(self) -> str:
        return self.text + "\n" + "".join(each.line() for each in self.signatures)


def sign(text: str, *, name: str, keys: Sequence[Ed25519PrivateKey]) -> Note:
    """Sign `text`, whole lines, with each key under `name`. Raises InvalidNote."""
    if not text.endswith("\n"):
        raise InvalidNote("The text of a note ends with a line end.")
    signatures = []
    for private in keys:
        key = VerifierKey.of(name, private.public_key().public_bytes_raw())
        signatures.append(Signature(name, key.id, private.sign(text.encode())))
    return Note.parse(str(Note(text, tuple(signatures))))


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; further lines are passed over. Raises InvalidNote."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] != "":
            raise InvalidNote("A checkpoint has three lines at least.")
        origin, size, root = lines[:3]
        if not origin:
            raise InvalidNote("A checkpoint names its log.")
        if not _SIZE.fullmatch(size):
            raise InvalidNote("The size of a checkpoint is a whole number without leading zeros.")
        if any(not line for line in lines[3:-1]):
            raise InvalidNote("A checkpoint has no empty lines.")
        raw = _decoded(root)
        if len(raw) != HASH_SIZE:
            raise InvalidNote("The root of a checkpoint has 32 bytes.")
        return cls(origin, int(size), raw)

    def text(self) -> str:
        """Write it as it is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def _signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not separator or not _NAME.fullmatch(name):
        raise InvalidNote("A signature line is a dash, a name and a signature.")
    raw = _decoded(encoded)
    if len(raw) < 5:
        raise InvalidNote("A signature is longer than its key's id.")
    return Signature(name, raw[:4], raw[4:])


def _decoded(encoded: str) -> bytes:
    """Read base64 with its padding, in its one right form. Raises InvalidNote."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidNote("That is no base64.") from error
    if base64.b64encode(raw).decode() != encoded:
        raise InvalidNote("That is no canonical base64.")
    return raw

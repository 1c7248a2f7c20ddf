"""The e-mails of a demo: the portal leaves each as a file in a folder; here they are read, and told in a few lines."""

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What Django's file backend writes after each message.
END: Final = b"\n" + b"-" * 79 + b"\n"


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail, as far as somebody who watches wants to know it."""

    to: str
    subject: str
    said: str
    """Its first line that the subject does not say already."""
    link: str
    url: str

    def lines(self) -> Iterator[str]:
        """Yield what a terminal shows of it."""
        yield f"E-mail to {self.to}: {self.subject}"
        if self.said:
            yield f"  {self.said}"
        if self.url:
            yield f"  {self.link} {self.url}".rstrip()


class Post:
    """Reads each e-mail once; what lay in the folder before is old and is not read at all."""

    def __init__(self, folder: Path) -> None:
        self.mails: list[Mail] = []
        """All that were read so far, oldest first."""
        self._folder = folder
        self._sizes: dict[str, int] = {}
        self._read: dict[str, int] = {}
        for _old in self._new():
            pass

    def read(self) -> list[Mail]:
        """Return the e-mails that came since it was last asked."""
        mails = [parse(message) for message in self._new()]
        self.mails += mails
        return mails

    def _new(self) -> Iterator[bytes]:
        for path in sorted(self._folder.glob("*.log")):
            size = path.stat().st_size
            if size == self._sizes.get(path.name):
                continue
            # Mails of one second may share a file, and the last may not be written to its end.
            *whole, _begun = path.read_bytes().split(END)
            yield from whole[self._read.get(path.name, 0) :]
            self._sizes[path.name], self._read[path.name] = size, len(whole)


def parse(message: bytes) -> Mail:
    """Read one e-mail as it is sent."""
    mail = email.message_from_bytes(message, policy=email.policy.default)
    # Long subjects are folded, and unfolding leaves a space more where words were encoded.
    subject = " ".join(str(mail["Subject"]).split())
    body = mail.get_body(("plain",))
    lines = [line.strip() for line in (body.get_content() if body else "").splitlines()]
    sentence = next((line for line in lines if line and line not in subject), "")
    at = next((number for number, line in enumerate(lines) if line.startswith("http")), None)
    link, url = ("", "") if at is None else (lines[at - 1] if at else "", lines[at])
    return Mail(str(mail["To"]), subject, sentence, link, url)

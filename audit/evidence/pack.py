"""Write an evidence pack: a zip that a stranger can verify offline."""

import html
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from audit import canonical
from audit.evidence import contents
from audit.evidence.contents import Contents

_VERIFIERS: Final = Path(__file__).parent / "verifiers"
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""A zip has to name one; the time of making would make each pack another file."""


def of_subject(subject: str, *, title: str) -> bytes:
    """Return the pack about a subject. Raises NothingRecorded."""
    return write(contents.of_subject(subject), title=title)


def write(pack: Contents, *, title: str) -> bytes:
    """Return the zip; the same contents give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path, body in _files(pack, title):
            info = zipfile.ZipInfo(path, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, body)
    return buffer.getvalue()


def _files(pack: Contents, title: str) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", _read("README.txt").replace("@TITLE@", title).encode()
    yield "report.html", report(pack, title=title).encode()
    yield "verify.py", _read("verify.py").encode()
    yield "pack.json", canonical.encode(dict(pack.index))
    yield "entries.jsonl", b"".join(canonical.encode(dict(entry)) + b"\n" for entry in pack.entries)
    for file in pack.files:
        yield file.path, file.body


def report(pack: Contents, *, title: str) -> str:
    """Return the page that shows the pack and verifies it by itself."""
    parts = [_script(dict(pack.index), 'id="pack"')]
    parts += [_script(dict(entry), 'class="entry"') for entry in pack.entries]
    for file in pack.files:
        parts.append(_script(file.body.decode(), f'class="file" data-path="{html.escape(file.path)}"'))
    page = _read("report.html").replace("@TITLE@", html.escape(title))
    # Data last: it may hold anything, also what looks like a place to fill.
    return page.replace("@SCRIPT@", _read("report.js")).replace("@DATA@", "\n".join(parts), 1)


def _script(value: Any, attributes: str) -> str:
    """Write a value as inert JSON that can neither close its element nor open another."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" {attributes}>{written}</script>'


def _read(name: str) -> str:
    return (_VERIFIERS / name).read_text(encoding="utf-8")

"""Choose texts of a payload, or of what its agent says beside it: JSON Pointers with `*` for every part. PURE.

A path into the payload begins with a slash, one into the agent's own texts with `@/`, as in `@/rationale`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

LONGEST_PATH: Final = 500
BESIDE: Final = "@"
"""Before a path or a pointer into what the agent says beside the payload."""


def parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path. Raises ValueError with a sentence if it is none."""
    if not path.removeprefix(BESIDE).startswith("/"):
        raise ValueError(f"{path!r} does not begin with a slash, as in /html, /variants/*/subject or @/title.")
    if len(path) > LONGEST_PATH:
        raise ValueError(f"A path has at most {LONGEST_PATH} characters.")
    if "~" in path.replace("~0", "").replace("~1", ""):
        raise ValueError(f"{path!r}: write ~ as ~0 and a slash in a name as ~1.")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def texts(payload: Any, paths: Sequence[str] = (), beside: Any = None) -> Iterator[tuple[str, str]]:
    """Yield `(pointer, text)` of every string that a path names or that stands below it.

    No paths: every string there is. In the order of the payload, each string once; then those of `beside`.
    Names of members are not texts. No recursion; cost linear in the payload.
    """
    for value, mark in ((payload, ""), (beside, BESIDE)):
        wanted = tuple(parts(path) for path in paths if path.startswith(BESIDE) is bool(mark))
        if wanted or not paths:
            yield from _below(value, mark, wanted or ((),))


def _below(value: Any, mark: str, wanted: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, str]]:
    waiting = [(mark, value, wanted)]
    while waiting:
        pointer, value, wanted = waiting.pop()
        is_chosen = () in wanted
        if isinstance(value, str):
            if is_chosen:
                yield pointer, value
        elif isinstance(value, dict | list):
            members = value.items() if isinstance(value, dict) else enumerate(value)
            below = [
                (f"{pointer}/{_escaped(str(name))}", member, ((),) if is_chosen else _rest(wanted, str(name)))
                for name, member in members
                if isinstance(member, str | dict | list)
            ]
            waiting.extend(step for step in reversed(below) if step[2])


def _rest(wanted: tuple[tuple[str, ...], ...], name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(path[1:] for path in wanted if path and path[0] in {"*", name})


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

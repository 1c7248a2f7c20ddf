"""Choose texts of a payload: JSON Pointers in which `*` stands for every member or item. PURE."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

LONGEST_PATH: Final = 500


def parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path. Raises ValueError with a sentence if it is none."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not begin with a slash, as in /html or /variants/*/subject.")
    if len(path) > LONGEST_PATH:
        raise ValueError(f"A path has at most {LONGEST_PATH} characters.")
    if "~" in path.replace("~0", "").replace("~1", ""):
        raise ValueError(f"{path!r}: write ~ as ~0 and a slash in a name as ~1.")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def texts(payload: Any, paths: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield `(pointer, text)` of every string that a path names or that stands below it.

    No paths: every string there is. In the order of the payload, each string once. Names of members
    are not texts. No recursion; cost linear in the payload.
    """
    waiting = [("", payload, tuple(map(parts, paths)) or ((),))]
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

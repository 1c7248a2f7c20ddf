"""Read selectors of a style sheet by what they say of the element itself. PURE.

What stands around the element (`div > a`), where it stands (`:nth-child`) and what is done to it (`:hover`) is
not looked into: such a rule holds for some elements of the kind, or for some readers.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_COMPOUND: Final = re.compile(
    r"""([a-z][\w-]*+|\*)?+
        ((?: [.#][\w-]++ | \[[^\]]{0,200}+\] | :[\w-]++(?:\([^()]{0,200}+\))?+ )*+)\Z""",
    re.VERBOSE,
)
_PART: Final = re.compile(r"[.#][\w-]+|\[[^\]]*\]|:[\w-]+(?:\([^()]*\))?")
_ATTRIBUTE: Final = re.compile(r"""\[\s*([\w-]+)\s*(?:([~|^$*]?)=\s*["']?([^"'\]]*)["']?(?:\s[is])?\s*)?\]""")
_AROUND_ALL: Final = re.compile(r"(?:(?:html|body|:root)\s*[>\s]\s*)*\Z")
_ALWAYS: Final = frozenset({":link", ":any-link"})


class Attributes(NamedTuple):
    """What `[name*="value"]` asks of an attribute; `operator` is None where it only has to be there."""

    name: str
    operator: str | None
    value: str

    def fits(self, attributes: Mapping[str, str]) -> bool:
        """Whether an element's attributes are as asked."""
        value = attributes.get(self.name)
        if value is None or self.operator is None:
            return value is not None
        return _compare(value.lower(), self.operator, self.value)


def _compare(value: str, operator: str, wanted: str) -> bool:
    match operator:
        case "":
            return value == wanted
        case "~":
            return wanted in value.split()
        case "|":
            return value == wanted or value.startswith(f"{wanted}-")
        case "^":
            is_there = value.startswith(wanted)
        case "$":
            is_there = value.endswith(wanted)
        case _:
            is_there = wanted in value
    return is_there and bool(wanted)


class Selector(NamedTuple):
    """Which elements a rule is for; with `is_partial` only some of them, or only at times."""

    tag: str
    classes: frozenset[str]
    identifier: str
    attributes: tuple[Attributes, ...]
    is_partial: bool

    @property
    def key(self) -> str:
        """What every element that fits has: its id, a class or its tag; `*` if none is named."""
        if self.identifier:
            return f"#{self.identifier}"
        return f".{min(self.classes)}" if self.classes else self.tag or "*"

    def fits(self, tag: str, classes: frozenset[str], identifier: str, attributes: Mapping[str, str]) -> bool:
        """Whether an element is as the selector asks, whatever is around it."""
        return (
            self.tag in {"", "*", tag}
            and self.classes <= classes
            and self.identifier in {"", identifier}
            and all(condition.fits(attributes) for condition in self.attributes)
        )


def read(written: str) -> Selector | None:
    """Return one selector, in lower case; None if it is none, or for a pseudo-element."""
    compound = _COMPOUND.search(written)
    if compound is None or not compound.group() or "::" in compound.group():
        return None
    parts = _PART.findall(compound[2])
    conditions = [_ATTRIBUTE.match(part) for part in parts if part[0] == "["]
    return Selector(
        tag=compound[1] or "",
        classes=frozenset(part[1:] for part in parts if part[0] == "."),
        identifier=next((part[1:] for part in parts if part[0] == "#"), ""),
        attributes=tuple(Attributes(match[1], match[2], match[3] or "") for match in conditions if match),
        is_partial=_AROUND_ALL.match(written[: compound.start()]) is None
        or None in conditions
        or any(part[0] == ":" and part not in _ALWAYS for part in parts),
    )

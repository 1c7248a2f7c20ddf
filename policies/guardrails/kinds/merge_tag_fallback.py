"""Merge tags that say what stands there when there is no value: "Hi there," and not "Hi ,"."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from policies.guardrails.text import merge_tags
from policies.guardrails.text.folding import folded
from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tags"],
    "properties": {
        "tags": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "\\S"},
        },
        "except": {
            "type": "array",
            "maxItems": 100,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "\\S"},
        },
    },
}
_DELIMITERS: Final = re.compile(r"^\s*\*\||\|\*\s*$|[{}%\[\]<>=#]")
_MAY: Final = re.compile(r"[{%\[&｛％［]|\*\||<=")
_MARKUP: Final = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class MergeTagFallback:
    wanted: Sequence[str]
    exempt: Sequence[str]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each tag of the list that has no fallback, or an empty one, wherever it stands."""
        for reading in readings:
            if not _MAY.search(reading.text):
                continue
            for view in reading.merging:
                for tag in merge_tags.found(view.text):
                    if not tag.has_fallback and self._concerns(tag):
                        yield Spot(
                            reading, *view.span(tag.start, tag.end), f"{_MARKUP.sub('', tag.written)} has no fallback."
                        )

    def _concerns(self, tag: merge_tags.MergeTag) -> bool:
        return _fits(tag.names, self.wanted) and not _fits(tag.names, self.exempt)


def _fits(names: frozenset[str], globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _comparable(wording: str) -> str:
    name = merge_tags.comparable(_DELIMITERS.sub("", folded(wording)).strip())
    if not name:
        raise ValueError(f"{wording!r} has no characters that can be compared.")
    return name


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> MergeTagFallback:
    """Make the check. Raises ValueError if a name has nothing that could be compared."""
    wanted = ["*" if wording.strip() == "*" else _comparable(wording) for wording in config["tags"]]
    return MergeTagFallback(wanted, [_comparable(wording) for wording in config.get("except", [])])

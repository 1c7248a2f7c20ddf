"""Read a payload by its surface: is it valid, which tags does it earn, what does it cost?"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import jsonschema_rs

from policies.engine.policy import SurfacePolicy
from policies.facts.facts import Unread

MAX_ERRORS: Final = 20
MAX_OPTIONS: Final = 20
MAX_QUOTED: Final = 60
MAX_SENTENCE: Final = 200
MOST_PEOPLE: Final = 2**53
_NOTHING: Final = object()
# A linear-time engine: a schema's pattern must not become a way to stop the portal.
_PATTERNS = jsonschema_rs.RegexOptions()


class SchemaInvalid(ValueError):
    """A surface's payload schema cannot be used."""

    code = "schema_invalid"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with what was sent: where (JSON Pointer), a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Derived:
    """What the server read in the payload; None where the surface names no place or nothing is there."""

    tags: tuple[str, ...]
    amount: int | float | None
    audience_size: int | None
    unread: tuple[Unread, ...] = ()
    """The figures for which the surface names a place and that are not there, or are no such numbers."""


def _no_remote(uri: str) -> Any:
    raise ValueError(f"A schema may not refer to {uri}: only to its own parts.")


@lru_cache(maxsize=512)
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema), validate_formats=True, retriever=_no_remote, pattern_options=_PATTERNS
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaInvalid(str(error)) from error


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Compile a JSON Schema 2020-12 (kept for the next call). Raises SchemaInvalid."""
    return _compiled(json.dumps(schema, sort_keys=True))


def errors(schema: Mapping[str, Any], value: Any, *, at: str = "") -> list[FieldError]:
    """Return what `value` breaks in `schema`, at most MAX_ERRORS; pointers start with `at`."""
    return faults(validator(schema), value, at=at)


def faults(checker: jsonschema_rs.Draft202012Validator, value: Any, *, at: str = "") -> list[FieldError]:
    """Return what `value` breaks in a compiled schema, as `errors` does.

    A field that is missing or unknown is named itself, not only the object that should or should not
    have it.
    """
    if checker.is_valid(value):
        return []
    faults: list[FieldError] = []
    for error in checker.iter_errors(value):
        path = [*error.instance_path]
        match error.kind:
            case _Kind.Required(property=name):
                faults.append(FieldError(at + pointer([*path, name]), "required", "This field is required."))
            case _Kind.AdditionalProperties(unexpected=names):
                faults += [
                    FieldError(at + pointer([*path, name]), "unknown_field", "There is no such field.")
                    for name in names
                ]
            case _Kind.Format(format=name) if name in _FORMATS:
                faults.append(FieldError(at + pointer(path), _code(error), _FORMATS[name]))
            case _Kind.Enum(options=options) if len(options) > MAX_OPTIONS:
                faults.append(FieldError(at + pointer(path), "enum", "This is none of the values that it may have."))
            case kind if (code := _code(error)) in _SIZES:
                faults.append(FieldError(at + pointer(path), code, _SIZES[code].format(_limit(kind), _size(error))))
            case _:
                faults.append(FieldError(at + pointer(path), _code(error), _sentence(error)))
        if len(faults) >= MAX_ERRORS:
            break
    return faults[:MAX_ERRORS]


_FORMATS = {
    "date": "This must be a date such as 2026-11-30.",
    "date-time": "This must be a date and time such as 2026-11-30T09:00:00Z.",
    "time": "This must be a time such as 09:00:00Z.",
    "email": "This must be an e-mail address such as name@example.com.",
    "uri": "This must be an address such as https://example.com/page.",
}
_SIZES = {
    "max_items": "At most {0:,} items may stand here; these are {1:,}.",
    "min_items": "At least {0:,} items must stand here; these are {1:,}.",
    "max_length": "At most {0:,} characters may stand here; these are {1:,}.",
    "min_length": "At least {0:,} characters must stand here; these are {1:,}.",
    "max_properties": "At most {0:,} fields may stand here; these are {1:,}.",
    "min_properties": "At least {0:,} fields must stand here; these are {1:,}.",
}
"""What is too large or too small, without quoting it: the limit, and how much there is."""
_CAPITAL = re.compile("[A-Z]")
_INDEX = re.compile("0|[1-9][0-9]*")
_Kind = jsonschema_rs.ValidationErrorKind


def _code(error: jsonschema_rs.ValidationError) -> str:
    """Name the keyword that was broken, as `max_length`."""
    return _CAPITAL.sub(lambda letter: f"_{letter[0].lower()}", str(error.kind.name))


def _limit(kind: Any) -> int:
    return int(kind.limit)


def _size(error: jsonschema_rs.ValidationError) -> int:
    # A name that is too long is told with the object that has it.
    return len(error.instance) if isinstance(error.instance, str | list | dict) else 0


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    """Return what is wrong in the engine's own words, which quote the value; in ours where that is long."""
    value = error.instance
    if isinstance(value, list | dict) and not _is_short(value):
        return f"This does not fit “{error.kind.name}” of the schema."
    message = str(error.message)
    return message if len(message) <= MAX_SENTENCE else f"This does not fit “{error.kind.name}” of the schema."


def _is_short(value: list[Any] | dict[str, Any]) -> bool:
    return len(value) <= MAX_OPTIONS and len(_quoted(value)) < MAX_QUOTED


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as an RFC 6901 JSON Pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def resolve(value: Any, at: str) -> Any:
    """Return what the RFC 6901 JSON Pointer `at` names in `value`; None if nothing is there."""
    target = _resolved(value, at)
    return None if target is _NOTHING else target


def _resolved(value: Any, at: str) -> Any:
    for part in at.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key, _NOTHING)
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return _NOTHING
    return value


def derive(surface: SurfacePolicy, payload: Any) -> Derived:
    """Read the tags, the amount and the audience size that `surface` finds in `payload` itself."""
    return deriving(surface)(payload)


def deriving(surface: SurfacePolicy) -> Callable[[Any], Derived]:
    """Return `derive` for one surface, made ready for many payloads."""
    conditions = [(row["tag"], validator(row["if"])) for row in surface.derived_tags]

    def read(payload: Any) -> Derived:
        unread: list[Unread] = []
        return Derived(
            tags=tuple(tag for tag, condition in conditions if condition.is_valid(payload)),
            amount=_figure("amount", payload, surface.amount_pointer, _as_amount, unread),
            audience_size=_figure("audience_size", payload, surface.audience_pointer, _as_people, unread),
            unread=tuple(unread),
        )

    return read


_Figure = TypeVar("_Figure", int, float)


def _figure(
    fact: str, payload: Any, at: str, read: Callable[[Any], _Figure | None], unread: list[Unread]
) -> _Figure | None:
    """Return the figure at `at`; note what is there instead."""
    if not at:
        return None
    there = _resolved(payload, at)
    figure = read(there)
    if figure is None:
        unread.append(Unread(fact, at, _quoted(there)))
    return figure


def _as_amount(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _as_people(value: Any) -> int | None:
    """Return a number of people; JSON knows no difference between 5 and 5.0."""
    number = _as_amount(value)
    return int(number) if number is not None and number == int(number) and 0 <= number < MOST_PEOPLE else None


def _quoted(there: Any) -> str:
    """Return what is there as JSON, at most MAX_QUOTED characters of it; nothing for nothing."""
    if there is _NOTHING:
        return ""
    text = ""
    try:
        # Written piece by piece, so that a large payload costs no more than a small one.
        for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(there):
            text += piece
            if len(text) > MAX_QUOTED:
                break
    except RecursionError:
        text += "…"
    short = text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"
    # Reviewers see what is there, invisible characters included.
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in short)

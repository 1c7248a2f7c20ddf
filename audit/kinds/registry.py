"""Registry of the kinds of ledger entries. What no app has declared is not recorded, so it does not happen.

Each app declares its kinds when it is ready. Only what is about to be written is checked: entries of kinds that the
portal no longer knows stay as they are, and verify.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jsonschema_rs

from audit.kinds.kind import Kind


class LedgerError(RuntimeError):
    """The ledger does not record this. Whatever it would have told of is undone."""

    code = "ledger_error"


class UnknownKind(LedgerError):
    """No app has declared this kind of entry."""

    code = "ledger_unknown_kind"


class MalformedData(LedgerError):
    """The data are not those of the kind."""

    code = "ledger_malformed_data"


class _Registered(NamedTuple):
    kind: Kind
    checker: jsonschema_rs.Draft202012Validator


# The plain engine: no pattern here needs more, and it is quicker.
_PATTERNS: Final = jsonschema_rs.RegexOptions()
_registered: Final[dict[str, _Registered]] = {}


def register(kinds: Iterable[Kind]) -> None:
    """Declare kinds, once. Raises ValueError for a name that is taken, or a schema that is none."""
    for kind in kinds:
        known = _registered.get(kind.name)
        if known is not None and known.kind != kind:
            raise ValueError(f"The kind {kind.name} is declared twice.")
        checker = jsonschema_rs.Draft202012Validator(kind.schema(), pattern_options=_PATTERNS)
        _registered[kind.name] = _Registered(kind, checker)


def forget(names: Iterable[str]) -> None:
    """Take kinds back that were declared for a while."""
    for name in names:
        del _registered[name]


def check(name: str, data: Mapping[str, Any]) -> None:
    """Check the data of an entry that is about to be written. Raises UnknownKind or MalformedData.

    Costs a few microseconds. The error names the place and the rule and quotes nothing: data may name people.
    """
    registered = _registered.get(name)
    if registered is None:
        raise UnknownKind(f"The ledger knows no entry of the kind {name}.")
    if not registered.checker.is_valid(data):
        error = next(registered.checker.iter_errors(data))
        place = "/".join(str(part) for part in error.instance_path)
        rule = "/".join(str(part) for part in error.schema_path)
        raise MalformedData(f"An entry of the kind {name} cannot have such data: /{place} breaks {rule}.")


def meaning(name: str) -> str:
    """Return what a kind means, in a sentence; empty for one that the portal does not know any more."""
    registered = _registered.get(name)
    return str(registered.kind.meaning) if registered else ""


def known() -> list[Kind]:
    """Return every declared kind, by name."""
    return [_registered[name].kind for name in sorted(_registered)]

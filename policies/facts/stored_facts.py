"""Read facts back as they were stored with a verdict. PURE."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any, Final

from policies.facts.facts import Effect, Facts, Finding, Twin, Unread

Zone = tzinfo | None


class FactsUnreadable(ValueError):
    """Stored facts that nobody can evaluate any more."""

    code = "facts_unreadable"


_LISTS: Final = ("tags", "targets", "switches", "conflicts")
_NOTHING: Final[Mapping[str, Any]] = {}


def read(
    stored: Mapping[str, Any], *, payload: Any = None, before: Any = None, at: datetime | None = None, zone: Zone = None
) -> Facts:
    """Return the facts of one stored verdict.

    The payload and what it replaces are kept elsewhere, so they are handed in. `at`, when the verdict was
    given, stands in where the facts do not say when they were judged; that time is told in `zone`.
    Raises FactsUnreadable.
    """
    with _told_as_unreadable():
        tags, targets, switches, conflicts = (_texts(stored.get(name)) for name in _LISTS)
        now = _moment(stored.get("now")) or at
        return Facts(
            surface=stored["surface"],
            action=stored["action"],
            agent=stored["agent"],
            agent_is_active=stored["agent_is_active"],
            mandate=stored["mandate"],
            tags=tags,
            targets=targets,
            confidence=stored.get("confidence"),
            amount=stored.get("amount"),
            currency=stored.get("currency") or "",
            audience_size=stored.get("audience_size"),
            payload=payload,
            before=before,
            model=stored.get("model") or _NOTHING,
            switches=switches,
            is_in_review=stored.get("is_in_review", False),
            expires_at=_moment(stored.get("expires_at")),
            now=now.astimezone(zone) if now is not None and zone is not None else now,
            limits=stored.get("limits") or _NOTHING,
            conflicts=conflicts,
            twins=tuple(map(_twin, stored.get("twins") or ())),
            findings=tuple(map(_finding, stored.get("findings") or ())),
            standing_approval=stored.get("standing_approval") or "",
            unread=tuple(Unread(*row) for row in stored.get("unread") or ()),
        )


@contextmanager
def _told_as_unreadable() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FactsUnreadable(f"These facts cannot be read: {type(error).__name__} {error}") from error


def _texts(value: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(value) if value else ()


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _twin(row: Mapping[str, Any]) -> Twin:
    return Twin(row["proposal"], row["agent"], datetime.fromisoformat(row["since"]))


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        guardrail=row["guardrail"],
        effect=Effect(row["effect"]),
        tier=row["tier"],
        text=row["text"],
        at=row.get("at") or row.get("pointer") or "",
        start=row.get("start", 0),
        end=row.get("end", 0),
        excerpt=row.get("excerpt", ""),
    )

"""Windows of a limit: its definition, its scopes, and where its window begins. PURE."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from audit import canonical
from audit.canonical import JsonValue
from policies.engine.calendars.deadlines import LONGEST_KEPT
from policies.engine.policy import LimitPolicy

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROLLING: Final = "rolling"


@dataclass(frozen=True, slots=True)
class TotalWindow:
    """One running total that a proposal belongs to."""

    slug: str
    digest: str
    scope: str
    since: datetime
    """When its period begins; BEGINNING for a rolling window, which has no periods."""
    cutoff: datetime | None
    """Entries before this have left the rolling window."""


def digest(limit: LimitPolicy) -> str:
    """Return the digest of what `limit` counts. How much is too much, and what then happens, is not part of it."""
    counted: dict[str, JsonValue] = {
        "surfaces": [*sorted(limit.surfaces)],
        "agents": [*sorted(limit.agents)],
        "measure": limit.measure,
        "per": limit.per,
        "window": dict(limit.window),
    }
    if limit.currency:
        counted["currency"] = limit.currency
    return canonical.digest(canonical.encode(counted))


def begins(limit: LimitPolicy, at: datetime) -> datetime:
    """Return when the window that ends at `at` begins: entries before it do not count."""
    kind = limit.window["kind"]
    if kind == ROLLING:
        return at - min(timedelta(seconds=limit.window["length_seconds"]), LONGEST_KEPT)
    local = at.astimezone(ZoneInfo(limit.window["time_zone"]))
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match kind:
        case "day":
            first = day
        case "week":
            first = day - timedelta(days=day.weekday())
        case "month":
            first = day.replace(day=1)
        case _:
            raise ValueError(f"Limit {limit.slug} has a window of the unknown kind {kind}.")
    return first.astimezone(UTC)


def scopes(limit: LimitPolicy, *, surface: str, agent: str, targets: Iterable[str]) -> list[str]:
    """Return what the totals are kept apart by.

    What names no target counts together under the empty name: leaving targets out must not be a way
    around a limit on each of them.
    """
    match limit.per:
        case "surface":
            return [surface]
        case "agent":
            return [agent]
        case "agent_and_surface":
            return [f"{agent} {surface}"]
        case "target":
            return sorted(set(targets)) or [""]
        case "everywhere":
            return [""]
    raise ValueError(f"Limit {limit.slug} is counted for {limit.per}, which is nothing that is known.")


def wanted(
    limits: Iterable[LimitPolicy], *, surface: str, agent: str, targets: Iterable[str], at: datetime
) -> Iterator[TotalWindow]:
    """Yield every running total that a proposal made at `at` belongs to."""
    for limit in limits:
        counts, start = digest(limit), begins(limit, at)
        is_rolling = limit.window["kind"] == ROLLING
        since, cutoff = (BEGINNING, start) if is_rolling else (start, None)
        for scope in scopes(limit, surface=surface, agent=agent, targets=targets):
            yield TotalWindow(limit.slug, counts, scope, since, cutoff)

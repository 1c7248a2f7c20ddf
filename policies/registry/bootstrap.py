"""Give a new portal its roles, tiers, sample surfaces and starter policy; leave an old one as people made it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import models, transaction
from django.utils.dateparse import parse_duration

from audit.clock import database_now
from audit.ledger import entries
from policies import samples
from policies.engine import payloads
from policies.models import EVERYWHERE, Connector, KillSwitch, PolicyVersion, Surface, Tier
from policies.publishing import publish
from policies.registry import starter
from policies.registry.starter import Line

CONNECTOR: Final = "sample-webhook"
WEEKLY_BUDGET: Final = "weekly_budget"
"""The parameter by which the starter policy tells a large budget change from a small one."""


class SampleInvalid(ValueError):
    """A sample file asks for something that this portal does not have."""

    code = "sample_invalid"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """All lines, the policy version in force afterwards, and whether the tables say something else by now."""

    lines: tuple[Line, ...]
    version: PolicyVersion
    is_draft: bool = False


@transaction.atomic
def bootstrap(
    *,
    connector_url: str = "",
    connector_secret: str = "",
    weekly_budget: float | None = None,
    with_starter: bool = True,
) -> Bootstrapped:
    """Make what is missing of roles, tiers, kill switch, sample surfaces and starter policy; publish where nothing was.

    Where a policy is in force already, what was made is a draft for people to publish. A row that is there
    is never touched, so that running it again changes nothing. With `connector_url` there is also a webhook
    connector, signing with `connector_secret`, and the sample surfaces that have no connector get it.
    `weekly_budget` is written on the budget surface where that is made now. Raises SampleInvalid, PolicyInvalid or
    SchemaInvalid; then nothing is written.
    """
    lines = make_missing(connector_url=connector_url, connector_secret=connector_secret, weekly_budget=weekly_budget)
    if with_starter:
        lines += starter.make_missing()
    version = publish.active_version()
    if version is None:
        return Bootstrapped(lines, publish.put_in_force())
    return Bootstrapped(lines, version, is_draft=not publish.pending().is_the_same)


@transaction.atomic
def make_missing(
    *, connector_url: str = "", connector_secret: str = "", weekly_budget: float | None = None
) -> tuple[Line, ...]:
    """Make what `bootstrap` makes besides the starter policy, and publish nothing."""
    lines = [*_roles(), *_tiers(), _kill_switch(), *_surfaces(weekly_budget)]
    if connector_url:
        lines += _connect(connector_url, connector_secret)
    return tuple(lines)


def _roles() -> Iterator[Line]:
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for name, patterns in samples.roles().items():
        wanted = _matching(patterns, known)
        group, is_made = Group.objects.get_or_create(name=name)
        if is_made:
            group.permissions.set(known[code] for code in wanted)
            entries.record(
                "role.made",
                subject=f"role:{name}",
                actor=entries.SYSTEM,
                at=database_now(),
                data={"permissions": [*sorted(wanted)]},
            )
        yield Line("role", name, is_made, differs=not is_made and _held(group) != wanted)


def _matching(patterns: Collection[str], known: Collection[str]) -> set[str]:
    matching: set[str] = set()
    for pattern in patterns:
        matches = {code for code in known if fnmatchcase(code, pattern)}
        if not matches:
            raise SampleInvalid(f"There is no permission {pattern}. Is the database migrated?")
        matching |= matches
    return matching


def _held(group: Group) -> set[str]:
    held = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def _tiers() -> Iterator[Line]:
    for row in samples.tiers():
        yield _keep_or_make(Tier, {**row, "hold": _duration(row["hold"])})


def _kill_switch() -> Line:
    _, is_made = KillSwitch.objects.get_or_create(scope=EVERYWHERE)
    return Line("kill switch", EVERYWHERE, is_made)


def _surfaces(weekly_budget: float | None) -> Iterator[Line]:
    for row in samples.surfaces():
        if weekly_budget is not None and WEEKLY_BUDGET in row.get("params", {}):
            row["params"][WEEKLY_BUDGET] = weekly_budget
        payloads.validator(row["payload_schema"])
        for tag in row.get("derived_tags", ()):
            payloads.validator(tag["if"])
        durations = {name: _duration(row[name]) for name in ("deadline", "undo_window", "retention")}
        references = {f"{name}_id": row.pop(name) for name in ("owner", "tier", "floor", "senior_tier")}
        yield _keep_or_make(Surface, {**row, **references, **durations})


def _keep_or_make(model: type[models.Model], row: dict[str, Any]) -> Line:
    """Make the row of this slug unless it is there."""
    thing = str(model._meta.verbose_name)  # Django's documented interface
    there = model._default_manager.filter(pk=row["slug"]).first()  # noqa: SLF001
    if there is not None:
        differs = any(getattr(there, name) != value for name, value in row.items())
        return Line(thing, row["slug"], is_made=False, differs=differs)
    made = model(**row)
    made.full_clean()
    made.save(force_insert=True)
    return Line(thing, row["slug"], is_made=True)


def _connect(url: str, secret: str) -> Iterator[Line]:
    connector = Connector.objects.filter(slug=CONNECTOR).first()
    is_made = connector is None
    if connector is None:
        connector = Connector(slug=CONNECTOR, kind=Connector.Kind.WEBHOOK, url=url, secret=secret)
        connector.full_clean()
        connector.save(force_insert=True)
    yield Line("connector", CONNECTOR, is_made, differs=connector.url != url)
    sampled = [row["slug"] for row in samples.surfaces()]
    for surface in Surface.objects.filter(slug__in=sampled, connector=None):
        surface.connector = connector
        surface.save(update_fields=["connector"])


def _duration(text: str) -> timedelta:
    duration = parse_duration(text)
    if duration is None:
        raise SampleInvalid(f"{text!r} is no duration such as PT30M.")
    return duration

"""Variants of the steps in a portal with a past, each put right again before the next."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from approvals.models import Callback
from approvals.models.states import NOT_OVER
from audit.clock import database_now
from bench import data
from bench.growth import lives
from bench.growth.past import Past
from bench.growth.steps import Steps
from policies.models import Activation, Agent
from policies.publishing import publish

AGENTS: Final = "agents_100"
MANY_AGENTS: Final = 100
RULES: Final = 1_000
PEOPLE: Final = 10_000
DECIDING: Final = 100
"""So many of the people may decide on what is measured."""
_LIMITS: Final = {
    "count": data.LIMIT,
    "sum": {**data.LIMIT, "measure": "amount", "currency": "USD", "limit": 1_000_000_000, "per": "agent_and_surface"},
}


@contextmanager
def _callbacks() -> Iterator[dict[str, str]]:
    rows = Agent.objects.filter(pk=lives.AGENT)
    rows.update(callback_hosts=["127.0.0.1"], callback_when="every")
    yield {"callback_url": data.CALLBACK}
    rows.update(callback_hosts=[])
    Callback.objects.all().delete()


@contextmanager
def _hot_target() -> Iterator[dict[str, str]]:
    yield {"target": "campaign:hot"}


@contextmanager
def _limits() -> Iterator[dict[str, str]]:
    with _in_force(publish.document() | {"limits": _LIMITS}):
        yield {}


@contextmanager
def _rules() -> Iterator[dict[str, str]]:
    with _in_force(data.with_rules(publish.document(), number=RULES)):
        yield {}


@contextmanager
def _people() -> Iterator[dict[str, str]]:
    """Add people, of whom some may decide. They stay: whom the record names is not taken away."""
    with transaction.atomic():
        people = User.objects.bulk_create(User(username=f"person-{number}", is_staff=True) for number in range(PEOPLE))
        roles = Group.objects.filter(name__in=lives.ROLES)
        member = User.groups.through
        member.objects.bulk_create(
            member(user_id=person.pk, group_id=role.pk) for person in people[:DECIDING] for role in roles
        )
        others = Group.objects.exclude(name__in=lives.ROLES).order_by("name")[:1]
        member.objects.bulk_create(
            member(user_id=person.pk, group_id=role.pk) for person in people[DECIDING:] for role in others
        )
    yield {}


# People come last, because they stay.
_VARIANTS: Final[dict[str, Callable[[], AbstractContextManager[dict[str, str]]]]] = {
    "callbacks": _callbacks,
    "hot_target": _hot_target,
    "hot_surface_with_limits": _limits,
    "rules_1000": _rules,
    "people_10000": _people,
}
NAMES: Final = (*_VARIANTS, AGENTS)


def measure(whole: Past, chosen: list[str], **how: int) -> dict[str, dict[str, Any]]:
    """Return the figures of the steps with each of the variants chosen, by its name."""
    figures = {}
    for name, variant in _VARIANTS.items():
        if name in chosen:
            with variant() as given:
                figures[name] = Steps(whole, **given, **how).measure(prefix=name)  # type: ignore[arg-type]
    return figures


@contextmanager
def _in_force(document: dict[str, Any]) -> Iterator[None]:
    """Let a policy be in force for a while."""
    before = publish.active_version()
    assert before is not None, "a portal has a policy"
    _activate(data.store(document).pk)
    yield
    _activate(before.pk)


def _activate(version: int) -> None:
    """Put a version in force, and take all that is open for judged by it: that is no part of what is measured."""
    Activation.objects.create(version_id=version, at=database_now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE approvals_proposal SET policy_version = %s WHERE state = ANY(%s) AND policy_version <> %s",
            [version, [str(state) for state in NOT_OVER], version],
        )

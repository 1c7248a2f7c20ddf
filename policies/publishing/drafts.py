"""What the tables say beside what is in force: the difference, its problems, and what the tests say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count, Q

from audit import canonical
from policies.comparison import Change, compare, is_loosening
from policies.engine import policy_tests
from policies.engine.policy import compile_policy
from policies.engine.policy_tests import Result
from policies.models import Activation, Agent, Mandate, PolicyVersion
from policies.publishing.lint.cautions import Caution, Portal, cautions
from policies.publishing.snapshot import document
from policies.publishing.validation import Owned, PolicyProblem, problems, warnings


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that is not in force yet: `base` is what is."""

    document: Mapping[str, Any]
    digest: str
    base: PolicyVersion | None
    changes: tuple[Change, ...]
    problems: tuple[PolicyProblem, ...]
    warnings: tuple[PolicyProblem, ...]
    """What does not keep it from being published, and should be known."""
    results: tuple[Result, ...]
    """Of the policy's own tests; none where it cannot be compiled."""
    cautions: tuple[Caution, ...] = ()
    """What can be published and is probably not meant; none where it cannot be compiled."""

    @property
    def is_loosening(self) -> bool:
        return is_loosening(self.changes)

    @property
    def is_the_same(self) -> bool:
        """Whether it is in force already."""
        return self.base is not None and self.base.digest == self.digest

    @property
    def faults(self) -> list[str]:
        """Why it cannot be published, in sentences."""
        failed = [f"The test {result.slug} fails." for result in self.results if not result.is_passed]
        return [f"{problem.thing} {problem.id}: {problem.text}" for problem in self.problems] + failed


def active_version() -> PolicyVersion | None:
    """Return the version in force."""
    latest = Activation.objects.select_related("version").order_by("-id").first()
    return latest.version if latest else None


def pending() -> Draft:
    """Return what would be published now."""
    return draft_of(document(), base=active_version())


def draft_of(rows: Mapping[str, Any], *, base: PolicyVersion | None) -> Draft:
    """Return a document beside the version `base`, checked and tested."""
    digest = canonical.digest(canonical.encode(dict(rows)))
    people, agents = members(), owned()
    found = problems(rows, people, agents)
    results: tuple[Result, ...] = ()
    doubtful: tuple[Caution, ...] = ()
    if not found:
        results = policy_tests.run(compile_policy(number=0, digest=digest, document=rows))
        doubtful = cautions(rows, Portal(agents=frozenset(Agent.objects.values_list("slug", flat=True))))
    return Draft(
        document=rows,
        digest=digest,
        base=base,
        changes=compare(base.document if base else None, rows),
        problems=found,
        warnings=warnings(rows, people, agents),
        results=results,
        cautions=doubtful,
    )


def members() -> dict[str, int]:
    """Return how many people who may sign in hold each role."""
    active = Count("user", filter=Q(user__is_active=True))
    return dict(Group.objects.annotate(members=active).values_list("name", "members"))


def owned() -> list[Owned]:
    """Return which agents may propose where, with the roles of their owners. Two queries."""
    rows = Mandate.objects.select_related("agent__owner").prefetch_related("agent__owner__groups")
    return [
        Owned(row.agent_id, row.surface_id, frozenset(role.name for role in row.agent.owner.groups.all()))
        for row in rows.filter(agent__owner__is_active=True).order_by("surface", "agent")
    ]


# Every page asks how many changes wait. The tables are read for it only when they have changed; history
# would be cheaper to ask, but what is written in bulk leaves none.
_TABLES: Final = (
    "tier",
    "surface",
    "rule",
    "limit",
    "guardrail",
    "requirement",
    "calendar",
    "escalation",
    "policytest",
)
_HASH: Final = "(SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) FROM policies_{} AS row)"
_IN_FORCE: Final = "(SELECT version_id FROM policies_activation ORDER BY id DESC LIMIT 1)"
_REQUESTS: Final = "(SELECT count(*) FROM policies_loosening WHERE status = 'waiting')"
_FINGERPRINT: Final = "SELECT " + ", ".join([_REQUESTS, _IN_FORCE, *map(_HASH.format, _TABLES)])


def waiting() -> tuple[int, int]:
    """Return how many changes wait to be published, and how many requests for a second person. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FINGERPRINT)
        requests, latest, *fingerprint = cursor.fetchone()
    return _count(latest, tuple(fingerprint)), requests


@lru_cache(maxsize=4)
def _count(active: int | None, fingerprint: tuple[str | None, ...]) -> int:
    base = PolicyVersion.objects.get(pk=active) if active else None
    return len(compare(base.document if base else None, document()))

"""The draft in the tables against the policy in force: its difference, problems, test results and authors."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count, Model, Q
from django.utils.translation import gettext as _

from audit import canonical
from audit.ledger.entries import SYSTEM
from audit.models import Entry
from policies.comparison import Change, compare, is_loosening
from policies.engine import policy_tests
from policies.engine.policy import compile_policy
from policies.engine.policy_tests import Result
from policies.models import (
    Activation,
    Agent,
    Calendar,
    Escalation,
    Guardrail,
    Limit,
    Mandate,
    PolicyTest,
    PolicyVersion,
    Requirement,
    Rule,
    Surface,
    Tier,
)  # fmt: skip
from policies.publishing import selection
from policies.publishing.lint.cautions import Caution, Portal, cautions
from policies.publishing.lint.parameters import unset_parameters
from policies.publishing.snapshot import document
from policies.publishing.validation import EVERYBODY, Owned, PolicyProblem, problems, warnings


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Some parts of a draft, as they would be published without the rest."""

    draft: Draft
    parts: tuple[str, ...]
    """All that is published, in the order of the tables."""
    together: Mapping[str, str]
    """Parts that nobody chose, each with the part, or the problem, because of which it goes along."""


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
    open_problems = problems(rows, people, agents)
    lacking = lacking_already(rows, base, people, agents) if open_problems else frozenset()
    tolerated = tuple(problem for problem in open_problems if problem in lacking)
    open_problems = tuple(problem for problem in open_problems if problem not in lacking)
    results: tuple[Result, ...] = ()
    doubtful: tuple[Caution, ...] = ()
    if not open_problems:
        results = policy_tests.run(compile_policy(number=0, digest=digest, document=rows))
        agents_there = frozenset(Agent.objects.values_list("slug", flat=True))
        doubtful = cautions(rows, Portal(agents=agents_there, tested=tested_actions()))
    return Draft(
        document=rows,
        digest=digest,
        base=base,
        changes=compare(base.document if base else None, rows),
        problems=open_problems,
        warnings=(*warnings(rows, people, agents), *tolerated, *unset_parameters(rows)),
        results=results,
        cautions=doubtful,
    )


def selected(draft: Draft, chosen: Collection[str]) -> Selection:
    """Return the chosen parts of `draft` with what they need, checked and tested as they would be in force.

    Names of parts that are in force by now are passed over. Raises ValueError where nothing is left to publish.
    """
    assert draft.base is not None, "without a policy in force there is nothing to leave as it is"
    old = draft.base.document
    known = selection.parts(old, draft.document)
    wanted = {name for name in chosen if name in known}
    if not wanted:
        raise ValueError("None of these changes is waiting.")
    together: dict[str, str] = {}
    while True:
        together |= selection.needed(old, draft.document, wanted | together.keys())
        parts = wanted | together.keys()
        part = draft_of(selection.document(old, draft.document, parts), base=draft.base)
        more = _mended_by(part, [name for name in known if name not in parts])
        if not more:
            return Selection(part, tuple(name for name in known if name in parts), together)
        together |= more


def _mended_by(part: Draft, others: Collection[str]) -> dict[str, str]:
    """Return changes of the rows that cannot be published as they are, each with what is wrong without it."""
    faults = [(problem.id, problem.text) for problem in part.problems]
    faults += [(result.slug, f"The test {result.slug} fails.") for result in part.results if not result.is_passed]
    return {name: text for slug, text in faults for name in others if slug and slug.split(",")[0] == name.split(":")[1]}


def lacking_already(
    rows: Mapping[str, Any], base: PolicyVersion | None, people: Mapping[str, int], agents: Sequence[Owned]
) -> frozenset[PolicyProblem]:
    """Return what `rows` ask of people who are not there, where that is nothing new: it keeps no draft back.

    Of a portal's first policy that is everything asked of people, who hold no roles yet; after that, what the version
    in force asks for in vain as well.
    """
    lacking_now = {*problems(rows, people, agents)} - {*problems(rows, EVERYBODY)}
    if base is None or not lacking_now:
        return frozenset(lacking_now)
    return frozenset(lacking_now & {*problems(base.document, people, agents)})


def tested_actions() -> frozenset[str]:
    """Return the actions that the tables' policy tests name."""
    facts = PolicyTest.objects.values_list("facts", flat=True)
    return frozenset(str(row["action"]) for row in facts if isinstance(row, Mapping) and row.get("action"))


def within(draft: Draft, surfaces: Collection[str]) -> Draft:
    """Return of a draft only what tunes `surfaces`; all of it where no policy is in force."""
    if draft.base is None:
        return draft
    old = draft.base.document
    own = selection.of_surfaces(old, draft.document, surfaces)
    return draft_of(selection.document(old, draft.document, own), base=draft.base)


def part_names(draft: Draft) -> tuple[str, ...]:
    """Return the parts in which a draft differs from what is in force, as `selected` takes them."""
    return () if draft.base is None else tuple(selection.parts(draft.base.document, draft.document))


def foreign(draft: Draft, surfaces: Collection[str]) -> str:
    """Return, in words, the first change that does more than to tune `surfaces`; empty where there is none."""
    if draft.base is None:
        return "a first policy"
    old = draft.base.document
    known = selection.parts(old, draft.document)
    own = {*selection.of_surfaces(old, draft.document, surfaces)}
    for name in (name for name in known if name not in own):
        return next((one.sentence for one in draft.changes if selection.part_of(one, known) == name), name)
    return ""


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


DRAFTED: Final = "policy.drafted"
_WITH_HISTORY: Final[tuple[type[Model], ...]] = (
    Tier, Calendar, Surface, Rule, Limit, Guardrail, Requirement, Escalation, PolicyTest,
)  # fmt: skip
LONGEST: Final = 500


def authors(base: PolicyVersion | None) -> str:
    """Return the names of who has changed the policy's tables since `base` was made.

    Where `base` is a part of a draft, the rest of it may be older: then since the last version that left nothing out.
    Three queries.
    """
    histories = [table.history.model.objects.order_by() for table in _WITH_HISTORY]  # type: ignore[attr-defined]
    files = Entry.objects.filter(kind=DRAFTED).order_by()
    whole = base and PolicyVersion.objects.filter(is_part=False, number__lte=base.number).order_by("number").last()
    if whole is not None:
        histories = [rows.filter(history_date__gt=whole.created_at) for rows in histories]
        files = files.filter(at__gt=whole.created_at)
    first, *others = [rows.values_list("history_user__username").distinct() for rows in histories]
    people = {name for (name,) in first.union(*others)}
    names = {name for name in people if name} | {*files.values_list("actor_name", flat=True).distinct()}
    if not names and None in people:
        names = {SYSTEM.name}
    return _joined(sorted(names))


def _joined(names: list[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= LONGEST else _("%s people") % len(names)

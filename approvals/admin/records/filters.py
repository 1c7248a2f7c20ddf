"""Filters of the lists. They offer what this person can see, and read states by the database's clock.

`path` leads from the list's rows to the proposal: nothing in the list of proposals itself.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from approvals.admin.records.ranges import ConfidenceFilter
from approvals.models import OPEN, Decision, Proposal, State
from approvals.models.proposal_queries import overdue
from approvals.people import eligibility, held_roles
from audit.ledger import search
from policies.engine.policy import Policy
from policies.models import Mandate
from policies.publishing.publish import active_policy

MINE: Final = "mine"
MOST_PEOPLE: Final = 200
LATEST: Final = 1_000
"""Models and triggers are offered that so many of the latest proposals name; others are found by search."""
MOST: Final = 50
Choices = Iterable[tuple[Any, Any]]


def policy_of(request: HttpRequest) -> Policy:
    """Return the policy in force, asked for once in a request."""
    known: Policy | None = getattr(request, "active_policy", None)
    if known is None:
        known = active_policy()
        request.active_policy = known  # type: ignore[attr-defined]
    return known


def roles_of(request: HttpRequest) -> frozenset[str]:
    """Return the roles of the person who asks, asked for once in a request."""
    known: frozenset[str] | None = getattr(request, "held_roles", None)
    if known is None:
        assert isinstance(request.user, User)
        known = held_roles.own(request.user)
        request.held_roles = known  # type: ignore[attr-defined]
    return known


def reader_of(request: HttpRequest) -> User:
    """Return who reads a page, with their roles read once for all of it. Decisions read them afresh."""
    assert isinstance(request.user, User)
    held_roles.remember(request.user)
    return request.user


def _surfaces(request: HttpRequest) -> list[str]:
    surfaces = policy_of(request).surfaces.values()
    assert isinstance(request.user, User)
    if request.user.has_perm(eligibility.SEE_ALL):
        return [surface.slug for surface in surfaces]
    return [surface.slug for surface in surfaces if surface.owner in roles_of(request)]


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(MINE, _("Waiting for me")), *State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        chosen = self.value()
        if chosen == MINE:
            assert isinstance(request.user, User)
            return eligibility.waiting_for(request.user, queryset, policy_of(request))
        if chosen == State.EXPIRED:
            return queryset.filter(Q(state=State.EXPIRED) | overdue())
        # Not by `state_now`: an index knows the state, but no index knows an expression with the time.
        return queryset.filter(~overdue(), state=chosen) if chosen else None


class DueFilter(admin.SimpleListFilter):
    title = _("due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [("hour", _("Due within the hour")), ("day", _("Due within 24 hours"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        within = {"hour": timedelta(hours=1), "day": timedelta(days=1)}.get(self.value() or "")
        if within is None:
            return None
        return queryset.filter(state__in=OPEN, deadline_at__gt=Now(), deadline_at__lte=Now() + within)


class SurfaceFilter(admin.SimpleListFilter):
    title = _("surface")
    parameter_name = "surface"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(slug, slug) for slug in sorted(_surfaces(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(**{f"{self.path}surface": self.value()}) if self.value() else None


class AgentFilter(admin.SimpleListFilter):
    title = _("agent")
    parameter_name = "agent"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        mandates = Mandate.objects.filter(surface__in=_surfaces(request)).order_by("agent_id")
        return [(slug, slug) for slug in mandates.values_list("agent_id", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(**{f"{self.path}agent": self.value()}) if self.value() else None


class TierFilter(admin.SimpleListFilter):
    title = _("tier")
    parameter_name = "tier"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        tiers = sorted(policy_of(request).tiers.values(), key=lambda tier: tier.rank)
        return [(tier.slug, tier.slug) for tier in tiers]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(**{f"{self.path}tier": self.value()}) if self.value() else None


# Steps from person to person along the index, where a join would read every decision.
_DECIDERS: Final = """
WITH RECURSIVE people AS (
    (SELECT by_id FROM approvals_decision ORDER BY by_id LIMIT 1)
    UNION ALL
    SELECT (SELECT by_id FROM approvals_decision WHERE by_id > people.by_id ORDER BY by_id LIMIT 1)
      FROM people WHERE by_id IS NOT NULL
)
SELECT by_id FROM people WHERE by_id IS NOT NULL
"""


class ReviewerFilter(admin.SimpleListFilter):
    """People who decided: all of them, or of one's own roles where one does not see all proposals."""

    title = _("reviewer")
    parameter_name = "reviewer"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        people = User.objects.filter(pk__in=RawSQL(_DECIDERS, []))  # noqa: S611  # no part of it comes from outside
        if not request.user.has_perm(eligibility.SEE_ALL):
            people = people.filter(groups__name__in=roles_of(request)).distinct()
        return [(str(pk), name) for pk, name in people.order_by("username").values_list("pk", "username")[:MOST_PEOPLE]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        chosen = self.value() or ""
        if not chosen:
            return None
        if not chosen.isdecimal() or len(chosen) > 9:
            return queryset.none()
        return self.narrowed(queryset, int(chosen))

    def narrowed(self, queryset: QuerySet[Any], person: int) -> QuerySet[Any]:
        """Return the proposals on which this person decided."""
        return queryset.filter(Exists(Decision.objects.filter(by=person, proposal=OuterRef("pk"))))


class StateOfProposal(StateFilter):
    title = _("state of the proposal")

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() not in State.values:
            return None
        proposals = super().queryset(request, Proposal.objects.all())
        return None if proposals is None else queryset.filter(proposal__in=proposals)


class SurfaceOfProposal(SurfaceFilter):
    path = "proposal__"


class AgentOfProposal(AgentFilter):
    path = "proposal__"


class TierOfProposal(TierFilter):
    path = "proposal__"


class ConfidenceOfProposal(ConfidenceFilter):
    path = "proposal__"


class DecidedBy(ReviewerFilter):
    def narrowed(self, queryset: QuerySet[Any], person: int) -> QuerySet[Any]:
        """Return the decisions of this person."""
        return queryset.filter(by=person)


class DispatchReviewer(ReviewerFilter):
    def narrowed(self, queryset: QuerySet[Any], person: int) -> QuerySet[Any]:
        """Return the dispatches of proposals on which this person decided."""
        return queryset.filter(Exists(Decision.objects.filter(by=person, proposal=OuterRef("proposal"))))


def _latest(request: HttpRequest) -> list[tuple[Any, Any]]:
    """Return models and triggers of the latest proposals that this person sees, asked for once in a request."""
    known: list[tuple[Any, Any]] | None = getattr(request, "latest_origins", None)
    if known is None:
        rows: QuerySet[Proposal] = eligibility.visible(request.user).order_by("-id")
        known = list(rows.values_list("model", "trigger")[:LATEST])
        request.latest_origins = known  # type: ignore[attr-defined]
    return known


def _choices(names: Iterable[str]) -> Choices:
    return [(name, name) for name in sorted({name for name in names if name})[:MOST]]


class ModelFilter(admin.SimpleListFilter):
    title = _("model")
    parameter_name = "model"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        models = [model for model, _trigger in _latest(request) if model]
        return _choices(f"{model.get('name', '')} {model.get('version', '')}".strip() for model in models)

    def has_output(self) -> bool:
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(search.of_model(self.value() or "", self.path)) if self.value() else None


class TriggerFilter(admin.SimpleListFilter):
    title = _("trigger")
    parameter_name = "trigger"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return _choices(str(trigger.get("event", "")) for _model, trigger in _latest(request) if trigger)

    def has_output(self) -> bool:
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(**{f"{self.path}trigger__event": self.value()}) if self.value() else None


class ModelOfProposal(ModelFilter):
    path = "proposal__"


class TriggerOfProposal(TriggerFilter):
    path = "proposal__"


class RoleFilter(admin.SimpleListFilter):
    """Decisions by the role in which they were made."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)[:MOST]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(roles__contains=[self.value()]) if self.value() else None

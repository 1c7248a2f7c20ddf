"""Filters of the proposal list. They offer what this person can see, and read states by the database's clock."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from approvals import eligibility
from approvals.models import OPEN, Proposal, State
from approvals.models.proposal import overdue
from policies.models import Mandate
from policies.policy import Policy
from policies.publishing import active_policy

MINE: Final = "mine"
Choices = Iterable[tuple[Any, Any]]


def policy_of(request: HttpRequest) -> Policy:
    """Return the policy in force, asked for once in a request."""
    known: Policy | None = getattr(request, "active_policy", None)
    if known is None:
        known = active_policy()
        request.active_policy = known  # type: ignore[attr-defined]
    return known


def roles_of(request: HttpRequest) -> frozenset[str]:
    """Return the roles of whoever asks, asked for once in a request."""
    known: frozenset[str] | None = getattr(request, "held_roles", None)
    if known is None:
        assert isinstance(request.user, User)
        known = eligibility.roles(request.user)
        request.held_roles = known  # type: ignore[attr-defined]
    return known


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
        return [("hour", _("Within the hour")), ("day", _("Within 24 hours"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        within = {"hour": timedelta(hours=1), "day": timedelta(days=1)}.get(self.value() or "")
        if within is None:
            return None
        return queryset.filter(state__in=OPEN, deadline_at__gt=Now(), deadline_at__lte=Now() + within)


class SurfaceFilter(admin.SimpleListFilter):
    title = _("surface")
    parameter_name = "surface"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [(slug, slug) for slug in sorted(_surfaces(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(surface=self.value()) if self.value() else None


class AgentFilter(admin.SimpleListFilter):
    title = _("agent")
    parameter_name = "agent"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        mandates = Mandate.objects.filter(surface__in=_surfaces(request)).order_by("agent_id")
        return [(slug, slug) for slug in mandates.values_list("agent_id", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(agent=self.value()) if self.value() else None


class TierFilter(admin.SimpleListFilter):
    title = _("tier")
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        tiers = sorted(policy_of(request).tiers.values(), key=lambda tier: tier.rank)
        return [(tier.slug, tier.slug) for tier in tiers]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        return queryset.filter(tier=self.value()) if self.value() else None


BANDS: Final = {
    "none": Q(confidence=None),
    "0-50": Q(confidence__lt=0.5),
    "50-80": Q(confidence__gte=0.5, confidence__lt=0.8),
    "80-90": Q(confidence__gte=0.8, confidence__lt=0.9),
    "90-100": Q(confidence__gte=0.9),
}


class ConfidenceFilter(admin.SimpleListFilter):
    title = _("confidence")
    parameter_name = "confidence"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return [
            ("90-100", _("90 % and more")),
            ("80-90", _("80 to 90 %")),
            ("50-80", _("50 to 80 %")),
            ("0-50", _("below 50 %")),
            ("none", _("not given")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal] | None:
        band = BANDS.get(self.value() or "")
        return None if band is None else queryset.filter(band)

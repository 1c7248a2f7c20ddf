"""Automatic shipments that a person may see. Reads and changes nothing.

By itself means by the policy's word alone: nobody has approved the revision that ships.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Decision, Dispatch, DispatchStatus, Sample, State
from approvals.people import eligibility

LATELY: Final = timedelta(days=7)


def by_itself(dispatches: "QuerySet[Dispatch]") -> "QuerySet[Dispatch]":
    """Narrow `dispatches` to those of revisions that no person approved."""
    return dispatches.filter(~approved_by_people())


def approved_by_people() -> Exists:
    """Return whether a person approved the revision of a dispatch."""
    return Exists(Decision.objects.filter(revision=OuterRef("revision"), verdict=Decision.Verdict.APPROVE))


def of_person(person: User, *, surface: str = "", agent: str = "") -> "QuerySet[Dispatch]":
    """Return what ships by itself and `person` may see, of one surface and one agent (slugs) where they are named."""
    dispatches = by_itself(Dispatch.objects.all())
    if not person.has_perm(eligibility.SEE_ALL):
        dispatches = dispatches.filter(proposal__in=eligibility.visible(person))
    wanted = {"proposal__surface": surface, "proposal__agent": agent}
    return dispatches.filter(**{name: slug for name, slug in wanted.items() if slug})


def upcoming(dispatches: "QuerySet[Dispatch]") -> "QuerySet[Dispatch]":
    """Return what has not left yet, the next one first."""
    waiting = Q(kind=Dispatch.Kind.EXECUTE, status=DispatchStatus.WAITING, proposal__state=State.APPROVED)
    return dispatches.filter(waiting).order_by("next_attempt_at", "id")


def shipped(dispatches: "QuerySet[Dispatch]") -> "QuerySet[Dispatch]":
    """Return what has shipped in the time of LATELY, the last one first."""
    done = Q(kind=Dispatch.Kind.EXECUTE, status=DispatchStatus.DELIVERED)
    return dispatches.filter(done, delivered_at__gt=Now() - LATELY).order_by("-delivered_at", "-id")


def failed(dispatches: "QuerySet[Dispatch]") -> "QuerySet[Dispatch]":
    """Return what was given up, roll backs included, the last one first."""
    return dispatches.filter(
        Q(proposal__state=State.FAILED, kind=Dispatch.Kind.EXECUTE)
        | Q(proposal__state=State.SHIPPED, kind=Dispatch.Kind.ROLLBACK),
        status=DispatchStatus.FAILED,
        revision=F("proposal__revision"),
    ).order_by("-id")


def to_judge(person: User, *, surface: str = "", agent: str = "") -> "QuerySet[Sample]":
    """Return the samples on which nobody has said anything yet, the oldest first."""
    samples = Sample.objects.filter(opinion="")
    if not person.has_perm(eligibility.SEE_ALL):
        samples = samples.filter(proposal__in=eligibility.visible(person))
    wanted: Mapping[str, Any] = {"proposal__surface": surface, "proposal__agent": agent}
    return samples.filter(**{name: slug for name, slug in wanted.items() if slug}).order_by("picked_at", "proposal_id")

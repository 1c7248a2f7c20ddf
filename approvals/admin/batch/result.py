"""The result of a batch: which proposals passed, which failed and why, and the undo for all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.review.actions import page_url, person_of
from approvals.lifecycle import batches
from approvals.lifecycle.batches import BatchResult
from approvals.models import Decision, Dispatch, State
from approvals.models.verdicts import BATCHES, BatchWords
from approvals.people import eligibility

Frame = Mapping[str, Any]
_SESSION: Final = "batches"
_MOST_REMEMBERED: Final = 5


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One proposal of the batch; `why_not` says why nothing was done with it. No title where it is not seen."""

    title: str
    url: str
    state: State | None
    why_not: str = ""


def remember(request: HttpRequest, result: BatchResult, *, verdict: str) -> None:
    """Keep for this session what was refused: of that nothing happened, so no table tells of it."""
    _keep(request, result.batch, {"verdict": str(verdict), "refused": _whys(result)})


def _whys(result: BatchResult) -> dict[str, str]:
    return {str(item.proposal_id): item.why_not for item in result.refused}


def _keep(request: HttpRequest, batch: UUID, facts: Mapping[str, Any]) -> None:
    kept: dict[str, Any] = request.session.get(_SESSION, {})
    known = kept.pop(str(batch), {"verdict": "", "refused": {}})
    kept[str(batch)] = {**known, **facts}
    request.session[_SESSION] = dict(list(kept.items())[-_MOST_REMEMBERED:])


def page(request: HttpRequest, frame: Frame, batch: UUID) -> HttpResponse:
    """Show what became of a batch (GET), and undo all of it that still can be undone (POST)."""
    person = person_of(request)
    remembered: Any = request.session.get(_SESSION, {}).get(str(batch))
    decisions = dict(
        Decision.objects.filter(batch=batch, verdict__in=BATCHES, proposal__in=eligibility.visible(person))
        .order_by("id")
        .values_list("proposal_id", "verdict")
    )
    if not decisions and remembered is None:
        raise Http404
    if request.method == "POST" and request.POST.get("step") == "undo":
        return _undo(request, batch)
    kept = remembered or {"verdict": "", "refused": {}}
    verdict = next(iter(decisions.values()), kept["verdict"])
    lines = _lines(person, {*decisions, *map(UUID, kept["refused"])})
    context = {
        **frame,
        "title": _words(verdict).recorded % len(decisions),
        "is_nav_sidebar_enabled": False,
        "done": [lines[key] for key in decisions if key in lines],
        "not_done": _refused(lines, kept["refused"]),
        "not_undone": _refused(lines, kept.get("not_undone", {})),
        "undoable": _undoable(person, batch) if person.has_perm(eligibility.DECIDE) else 0,
        "undo_note": _words(verdict).undo_note,
    }
    response = TemplateResponse(request, "approvals/batch/result.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _words(verdict: str) -> BatchWords:
    """Return the words of a batch's verdict; of approving, where an older session kept none."""
    return BATCHES[Decision.Verdict(verdict or Decision.Verdict.APPROVE)]


def _lines(person: User, ids: Collection[UUID]) -> dict[UUID, ResultLine]:
    """Return a line for each of those that `person` may see."""
    # Any: the annotation is no field that the type knows.
    proposals: Any = eligibility.visible(person).filter(pk__in=ids).as_of_now().only("pk", "title", "state")
    return {row.pk: ResultLine(row.title, page_url(row.pk), State(row.state_now)) for row in proposals}


def _refused(lines: Mapping[UUID, ResultLine], whys: Mapping[str, str]) -> list[ResultLine]:
    """Return the lines of what was refused, each with its reason."""
    unseen = ResultLine(_("A proposal that you may not see"), "", None)
    return [replace(lines.get(UUID(key), unseen), why_not=why) for key, why in whys.items()]


def _undoable(person: User, batch: UUID) -> int:
    """Count what can still be taken back: nobody has decided since, and it has not left."""
    last = Decision.objects.filter(proposal=OuterRef("pk")).order_by("-id")
    claimed = Dispatch.objects.filter(proposal=OuterRef("pk"), kind=Dispatch.Kind.EXECUTE, fence__gt=0)
    mine = eligibility.visible(person).filter(pk__in=Decision.objects.filter(batch=batch).values("proposal"))
    still = Q(state=State.APPROVED) & ~Exists(claimed) | Q(state=State.REJECTED, deadline_at__gt=Now())
    of_batch = mine.annotate(last_batch=Subquery(last.values("batch")[:1])).filter(last_batch=batch)
    return of_batch.filter(still).count()


def _undo(request: HttpRequest, batch: UUID) -> HttpResponse:
    result = batches.undo_batch(batch=batch, by=person_of(request))
    number = len(result.done)
    if number:
        sentence = ngettext(
            "%s decision undone. It needs a decision again.", "%s decisions undone. They need a decision again.", number
        )
        messages.success(request, sentence % number)
    _keep(request, batch, {"not_undone": _whys(result)})
    if result.refused:
        left = len(result.refused)
        messages.warning(request, ngettext("%s could not be undone.", "%s could not be undone.", left) % left)
    return HttpResponseRedirect(reverse("admin:desk_batch_result", args=[batch]))

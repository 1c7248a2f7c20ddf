"""The trust board, and the page of one agent on one surface, on which a person takes or declines a step."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.admin.review.actions import person_of
from approvals.admin.trust import words
from approvals.errors import ProposalError
from approvals.models import Decision, Recommendation, TrustCase
from approvals.trust import board as trust_board
from approvals.trust import figures, recommendations
from approvals.trust.board import BoardRow, TrustDetail
from approvals.trust.counts import Pair
from audit.clock import database_now
from policies.publishing import loosenings
from policies.publishing.loosenings import LooseningRefused
from policies.trust import measures
from policies.trust.sequences import bounds

Frame = Mapping[str, Any]


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show every agent on every surface: how far it is trusted, how sure one can be, and what is missing."""
    if not trust_board.may_see(person_of(request)):
        raise PermissionDenied
    agent, surface = request.GET.get("agent", "")[:80], request.GET.get("surface", "")[:80]
    rows = trust_board.rows(agent=agent, surface=surface)
    context = {
        **frame,
        "title": _("Trust"),
        "is_nav_sidebar_enabled": False,
        "rows": [_line(row) for row in rows],
        "filter": " · ".join(filter(None, (agent, surface))),
        "is_cut": len(rows) == trust_board.MOST,
        "most": trust_board.MOST,
        "explained": words.figures(measures.from_json([])),
    }
    return TemplateResponse(request, "approvals/trust/board.html", context)


def _line(row: BoardRow) -> dict[str, Any]:
    total = row.measures.total
    return {
        "row": row,
        "share": words.percent(row.measures.share) if total.decided else "",
        "between": words.between(row.measures.right) if total.decided else "",
        "missing": [words.missing(one) for one in row.missing],
        "soonest": words.soonest(row.missing),
        "url": reverse("admin:trust_pair", args=[row.agent, row.surface]),
    }


def pair(request: HttpRequest, frame: Frame, *, agent: str, surface: str) -> HttpResponse:
    """Show one agent on one surface (GET); take or decline its next step (POST)."""
    person = person_of(request)
    if not trust_board.may_see(person):
        raise PermissionDenied
    detail = trust_board.detail(Pair(agent, surface), since=database_now() - figures.WINDOW)
    if detail is None:
        raise Http404
    if request.method == "POST":
        return _answer(request, detail)
    row = detail.row
    context = {
        **frame,
        "title": _("Trust in %(agent)s on %(surface)s") % {"agent": row.agent_name, "surface": surface},
        "is_nav_sidebar_enabled": False,
        "line": _line(row),
        "detail": detail,
        "figures": words.figures(row.measures, median_wait=detail.median_wait),
        "curve": [
            (words.percent(stated), words.percent(right), words.between(bounds(round(right * number), number)), number)
            for stated, right, number in measures.curve(row.measures)
        ],
        "weeks": [_slice(part) for part in detail.weeks],
        "models": [_slice(part) for part in detail.models],
        "reasons": [(Decision.ReasonCode(code).label if code else _("Unknown"), number)
                    for code, number in detail.reasons],
        "evidence": _evidence(row.recommendation),
        "may_ask": person.has_perm(loosenings.ASK),
    }  # fmt: skip
    return TemplateResponse(request, "approvals/trust/pair.html", context)


def _slice(part: trust_board.TrustSlice) -> dict[str, Any]:
    total = part.measures.total
    return {
        "name": part.name,
        "total": total,
        "share": words.percent(part.measures.share) if total.decided else "—",
        "between": words.between(part.measures.right) if total.decided else "—",
    }


def _evidence(recommendation: Recommendation | None) -> dict[str, Any] | None:
    if recommendation is None:
        return None
    gathered = recommendation.evidence
    kinds = dict(TrustCase.Kind.choices)
    codes = dict(Decision.ReasonCode.choices)
    wait, spared = gathered.get("wait_seconds"), gathered["replay"]["spared"]
    return {
        "replay": gathered["replay"],
        "minutes": None if wait is None else round(wait * spared / 60),
        "mistakes": [
            {
                "url": reverse("admin:approvals_proposal_change", args=[one["proposal"]]),
                "kind": kinds.get(one["kind"], one["kind"]),
                "confidence": words.percent(one["confidence"] / measures.MILLION),
                "reason": codes.get(one["reason"], ""),
            }
            for one in gathered["mistakes"]
        ],
    }


def _answer(request: HttpRequest, detail: TrustDetail) -> HttpResponse:
    person, note = person_of(request), request.POST.get("note", "")
    waiting, verb = detail.row.recommendation, request.POST.get("do", "")
    number = request.POST.get("recommendation", "")
    if waiting is None or verb not in {"accept", "decline"} or number != str(waiting.pk):
        messages.error(request, _("This step is not recommended any more. Look at the figures again."))
        return _back(detail)
    try:
        if verb == "accept":
            recommendations.accept(recommendation_id=waiting.pk, by=person, note=note)
            messages.success(request, _("Asked for. It is in force once a second person agrees."))
        else:
            recommendations.decline(recommendation_id=waiting.pk, by=person, note=note)
            messages.success(request, _("Declined. It is not recommended again for two weeks."))
    except (LooseningRefused, ProposalError) as refusal:
        messages.error(request, str(refusal))
    return _back(detail)


def _back(detail: TrustDetail) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:trust_pair", args=[detail.row.agent, detail.row.surface]))


PAGES: Final[dict[str, tuple[str, Callable[..., HttpResponseBase]]]] = {
    "trust": ("trust/", page),
    "trust_pair": ("trust/<str:agent>/<str:surface>/", pair),
}

"""The monitor: stop, roll back, retry and judge what ships by itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.admin.oversight import monitor_rows
from approvals.admin.oversight.monitor_rows import MonitorFilter
from approvals.admin.records.filters import policy_of, reader_of
from approvals.admin.review.actions import person_of
from approvals.errors import ProposalError
from approvals.lifecycle import review
from approvals.models import Sample
from approvals.people import eligibility
from approvals.shipping import recovery, sampling

Frame = Mapping[str, Any]
LISTS: Final = ("upcoming", "shipped", "failed", "sampled")
MOST_WORDS: Final = 500


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show what ships by itself (GET); stop, retry or judge one of it (POST)."""
    if request.method == "POST":
        return _act(request)
    asked, by = _asked(request), monitor_rows.viewer(reader_of(request), policy_of(request))
    context = {
        **frame,
        "title": _("Monitor"),
        "is_nav_sidebar_enabled": False,
        "asked": asked,
        **monitor_rows.choices(by),
        "sampled": monitor_rows.samples(by, asked),
        **_lists(request, by, asked),
    }
    return _answer(request, "approvals/monitor/monitor.html", context)


@require_safe
def lists(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show only what changes by itself, for the page to put in the place of what it has."""
    asked, by = _asked(request), monitor_rows.viewer(reader_of(request), policy_of(request))
    return _answer(request, "approvals/monitor/lists.html", {"asked": asked, **_lists(request, by, asked)})


def _lists(request: HttpRequest, by: monitor_rows.Viewer, asked: MonitorFilter) -> dict[str, Any]:
    return {**monitor_rows.lists(by, asked), "now": by.now, "query": _query(asked), "filter": _query(asked, only=())}


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = TemplateResponse(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest) -> MonitorFilter:
    known = {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in ("surface", "agent", *LISTS)}
    return MonitorFilter(known.pop("surface"), known.pop("agent"), known)


def _query(asked: MonitorFilter, *, only: tuple[str, ...] = LISTS) -> str:
    """Write what is asked for as the query of an address, with where the lists of `only` begin."""
    parts = {"surface": asked.surface, "agent": asked.agent, **{name: asked.start(name) for name in only}}
    return urlencode({name: text for name, text in parts.items() if text})


def _act(request: HttpRequest) -> HttpResponse:
    """Do what one of the buttons says. Raises Http404 for what the person may not see."""
    person = person_of(request)
    try:
        proposal_id = UUID(request.POST.get("proposal", ""))
    except ValueError as fault:
        raise Http404 from fault
    if not eligibility.visible(person).filter(pk=proposal_id).exists():
        raise Http404
    act = _ACTS.get(request.POST.get("step", ""))
    if act is None:
        raise Http404
    try:
        messages.success(request, act(person, proposal_id, request))
    except Sample.DoesNotExist as fault:
        raise Http404 from fault
    except ProposalError as refusal:
        messages.error(request, f"{refusal} {_('Nothing was changed.')}")
    return HttpResponseRedirect(request.get_full_path())


def _words(request: HttpRequest) -> str:
    return request.POST.get("words", "").replace("\x00", "")[:MOST_WORDS]


def _stop(person: User, proposal_id: UUID, request: HttpRequest) -> str:
    proposal = review.undo(proposal_id=proposal_id, by=person, comment=_words(request))
    return _("Stopped: “%s”. It waits for a decision now.") % proposal.title


def _retry(person: User, proposal_id: UUID, request: HttpRequest) -> str:
    proposal = recovery.retry(proposal_id=proposal_id, by=person)
    return _("“%s” is being tried again.") % proposal.title


def _judge(person: User, proposal_id: UUID, request: HttpRequest) -> str:
    opinion = request.POST.get("opinion", "")
    if opinion not in Sample.Opinion.values:
        raise Http404
    sampling.judge(proposal_id=proposal_id, by=person, opinion=Sample.Opinion(opinion), note=_words(request))
    return _("Thank you. It counts for the agent’s track record.")


_ACTS: Final[Mapping[str, Callable[[User, UUID, HttpRequest], str]]] = {
    "stop": _stop,
    "retry": _retry,
    "judge": _judge,
}

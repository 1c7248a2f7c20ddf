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
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from approvals.admin.oversight import monitor_rows
from approvals.admin.oversight.monitor_rows import MonitorFilter
from approvals.admin.records.filters import policy_of, reader_of
from approvals.admin.review.actions import person_of
from approvals.errors import ProposalError
from approvals.lifecycle import review
from approvals.models import Sample
from approvals.people import eligibility
from approvals.queue.search import read_id
from approvals.shipping import recovery, sampling

Frame = Mapping[str, Any]
LISTS: Final = ("upcoming", "shipped", "failed", "sampled")
MOST_WORDS: Final = 500


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show what ships by itself (GET); stop, retry or judge one of it (POST)."""
    if request.method == "POST":
        return _act(request)
    filters, by = _asked(request), monitor_rows.viewer(reader_of(request), policy_of(request))
    context = {
        **frame,
        "title": _("Monitor"),
        "is_nav_sidebar_enabled": False,
        "asked": filters,
        **monitor_rows.choices(by),
        "sampled": (sampled := monitor_rows.samples(by, filters)),
        "rest": [row.proposal.pk for row in sampled.rows if row.may_act],
        **_lists(request, by, filters),
    }
    return _answer(request, "approvals/monitor/monitor.html", context)


@require_safe
def lists(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show only what changes by itself, for the page to put in the place of what it has."""
    filters, by = _asked(request), monitor_rows.viewer(reader_of(request), policy_of(request))
    return _answer(request, "approvals/monitor/lists.html", {"asked": filters, **_lists(request, by, filters)})


def _lists(request: HttpRequest, by: monitor_rows.Viewer, filters: MonitorFilter) -> dict[str, Any]:
    return {
        **monitor_rows.lists(by, filters),
        "now": by.now,
        "query": _query(filters),
        "filter": _query(filters, only=()),
    }


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = TemplateResponse(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest) -> MonitorFilter:
    known = {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in ("surface", "agent", *LISTS)}
    return MonitorFilter(known.pop("surface"), known.pop("agent"), known)


def _query(filters: MonitorFilter, *, only: tuple[str, ...] = LISTS) -> str:
    """Write what is asked for as the query of an address, with where the lists of `only` begin."""
    parts = {"surface": filters.surface, "agent": filters.agent, **{name: filters.start(name) for name in only}}
    return urlencode({name: text for name, text in parts.items() if text})


def _act(request: HttpRequest) -> HttpResponse:
    """Do what one of the buttons says. Raises Http404 for what the person may not see."""
    person = person_of(request)
    if request.POST.get("step") == "judge_rest":
        return _judge_rest(request, person)
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


def _judge_rest(request: HttpRequest, person: User) -> HttpResponse:
    """Say of what is left on the page that it was right, of each by itself: what is refused stops no other."""
    shown = {each for text in request.POST.getlist("rest")[: monitor_rows.SIZE] if (each := read_id(text))}
    seen = eligibility.visible(person).filter(pk__in=shown).order_by("sample__picked_at").values_list("pk", flat=True)
    done, refused = 0, 0
    for proposal_id in list(seen):
        try:
            sampling.judge(proposal_id=proposal_id, by=person, opinion=Sample.Opinion.RIGHT, is_with_others=True)
            done += 1
        except (ProposalError, Sample.DoesNotExist):
            refused += 1
    if done:
        sentence = ngettext("%s was right and was recorded.", "%s were right, each recorded separately.", done)
        messages.success(request, sentence % done)
    if refused:
        sentence = ngettext("You can’t check %s of them.", "You can’t check %s of them.", refused)
        messages.warning(request, sentence % refused)
    return HttpResponseRedirect(request.get_full_path())


_ACTS: Final[Mapping[str, Callable[[User, UUID, HttpRequest], str]]] = {
    "stop": _stop,
    "retry": _retry,
    "judge": _judge,
}

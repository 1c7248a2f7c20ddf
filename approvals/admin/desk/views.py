"""Actions on the desk: look, decide, snooze, reassign. Every change is a POST."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.admin.desk import page as desk_page
from approvals.admin.desk import rows
from approvals.admin.desk.page import UNDO, Frame, Opened
from approvals.admin.editing import views
from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from approvals.errors import NotEligible, ProposalError
from approvals.models import Decision
from approvals.models.verdicts import SETTLED
from approvals.presentation import words
from approvals.queue import presence, saved_filters, turns
from approvals.queue.search import read_id

YEAR_SECONDS: Final = 365 * 24 * 3600


@require_safe
def show(request: HttpRequest, frame: Frame, object_id: UUID | None = None) -> HttpResponse:
    """Show the desk with one proposal open, by default the first that waits."""
    return desk_page.render(request, frame, Opened(object_id, seen=_seen(request), is_handing_on="hand" in request.GET))


@require_POST
def decide(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Approve, reject, send back or take over; then the next proposal opens."""
    result = actions.decide(request, object_id)
    if isinstance(result, actions.Done):
        messages.success(request, result.sentence(is_named=True), extra_tags=f"{UNDO}{object_id}")
        return _next(request, frame)
    if first := _who_was_first(request, object_id, result):
        messages.warning(request, first)
        return _next(request, frame)
    return _back(request, frame, object_id, result)


def edit(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Show, check and save the edit form; from there it leads back to the desk."""
    response = views.edit(request, object_id, frame)
    if isinstance(response, TemplateResponse) and response.context_data is not None:
        wanted = rows.wanted(request.GET)
        response.context_data["leave"] = rows.url(wanted, object_id)
        response.context_data["desk_query"] = rows.query(wanted)
    if not isinstance(response, HttpResponseRedirect):
        return response
    seen = parse_qs(urlsplit(response.url).query).get("seen", [""])[0]
    return desk_page.go(request, frame, Opened(object_id, seen=seen))


@require_POST
def undo(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Take a decision back; its proposal opens again."""
    return _back(request, frame, object_id, actions.undo(request, object_id))


@require_POST
def retry(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Try a failed dispatch again."""
    return _back(request, frame, object_id, actions.retry(request, object_id))


@require_POST
def snooze(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Put a proposal off for a while; then the next one opens."""
    page = review_page.load(actions.person_of(request), object_id)
    until = {later.name: later.until for later in desk_page.snoozes(page)}.get(request.POST.get("for", ""))
    if until is None:
        return _stay(request, frame, object_id, _("Choose how long to snooze it."))
    try:
        turns.snooze(proposal_id=object_id, by=actions.person_of(request), until=until)
    except ProposalError as refusal:
        return _stay(request, frame, object_id, str(refusal))
    messages.success(request, _("Snoozed until %s.") % desk_page.clock(until))
    return _next(request, frame)


@require_POST
def wake(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Take a proposal among one's turns again."""
    review_page.load(actions.person_of(request), object_id)
    turns.wake(proposal_id=object_id, by=actions.person_of(request))
    return desk_page.go(request, frame, Opened(object_id))


@require_POST
def reassign(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Say whose turn it is; then the next proposal opens, unless it is one's own now."""
    person = actions.person_of(request)
    review_page.load(person, object_id)
    chosen = request.POST.get("to", "")
    to = User.objects.filter(pk=chosen, is_active=True).first() if _is_id(chosen) else None
    if to is None:
        messages.error(request, _("Choose who to reassign it to."))
        return desk_page.go(request, frame, Opened(object_id, is_handing_on=True))
    note = request.POST.get("note", "").replace("\x00", "")
    try:
        turns.reassign(proposal_id=object_id, to=to, by=person, note=note)
    except ProposalError as refusal:
        return _stay(request, frame, object_id, str(refusal))
    messages.success(request, _("Assigned to %s. Others can still decide.") % to.get_username())
    return desk_page.go(request, frame, Opened(object_id)) if to == person else _next(request, frame)


@require_POST
def looking(request: HttpRequest, frame: Frame, object_id: UUID) -> HttpResponse:
    """Write down that somebody looks at a proposal, and say who else does."""
    person = actions.person_of(request)
    page = review_page.load(person, object_id)
    presence.look(proposal=page.proposal, person=person)
    context = {"others": presence.others(proposal=page.proposal, person=person)}
    return render(request, "approvals/desk/others.html", context)


@require_safe
def recently(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Say again what one decided last: what could be undone may have shipped since."""
    if not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(rows.url(rows.wanted(request.GET)))
    return desk_page.recently(request)


@require_POST
def save_filter(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Keep what is looked for under a name."""
    query = rows.query(rows.wanted(request.GET))
    name = request.POST.get("name", "").replace("\x00", "")
    try:
        saved_filters.save(person=actions.person_of(request), name=name, query=query)
    except saved_filters.FilterRefused as refusal:
        messages.error(request, str(refusal))
    return desk_page.go(request, frame, desk_page.NOTHING)


@require_POST
def drop_filter(request: HttpRequest, frame: Frame, filter_id: int) -> HttpResponse:
    """Forget a saved filter."""
    saved_filters.drop(person=actions.person_of(request), filter_id=filter_id)
    return desk_page.go(request, frame, desk_page.NOTHING)


@require_POST
def keys(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Turn the keys of the desk on or off, for this browser."""
    response = HttpResponseRedirect(rows.url(rows.wanted(request.GET)))
    is_on = request.POST.get("keys") == "on"
    response.set_cookie(
        desk_page.KEYS_COOKIE,
        "on" if is_on else "off",
        max_age=YEAR_SECONDS,
        path=reverse("admin:desk"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _back(request: HttpRequest, frame: Frame, proposal_id: UUID, result: actions.Result) -> HttpResponse:
    """Open the proposal again, with what became of the act."""
    match result:
        case actions.Done():
            messages.success(request, result.sentence())
            return desk_page.go(request, frame, Opened(proposal_id))
        case actions.Stale(seen=seen):
            return desk_page.go(request, frame, Opened(proposal_id, seen=str(seen)))
        case actions.Refused(why=why):
            return _stay(request, frame, proposal_id, f"{why} {_('Nothing was changed.')}")
        case actions.Invalid(form=form):
            return desk_page.render(request, frame, Opened(proposal_id, failed=form))


def _next(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Open what the list named as the next one, if it still waits; else the first."""
    listed = desk_page.look_up(request)
    preferred = read_id(request.POST.get("next", ""))
    chosen = preferred if listed.has(preferred) else listed.next_after(None)
    return desk_page.go(request, frame, Opened(chosen), listed=listed)


def _stay(request: HttpRequest, frame: Frame, proposal_id: UUID, sentence: str) -> HttpResponse:
    """Say why nothing was done, beside the proposal as it stands now."""
    messages.error(request, sentence)
    return desk_page.go(request, frame, Opened(proposal_id))


def _who_was_first(request: HttpRequest, proposal_id: UUID, result: actions.Result) -> str:
    """Say who has settled a proposal meanwhile, and how; empty where `result` has another cause."""
    is_late = isinstance(result, actions.Stale)
    is_late |= isinstance(result, actions.Refused) and not isinstance(result.why, NotEligible)
    if not is_late:
        return ""
    page = review_page.load(actions.person_of(request), proposal_id)
    last = Decision.objects.filter(proposal=proposal_id).order_by("-id").first()
    if page.state not in SETTLED or last is None or last.by_id == actions.person_of(request).pk:
        return ""
    facts: Mapping[str, Any] = {
        "name": last.by_name,
        "what": last.get_verdict_display().lower(),
        "title": page.proposal.title,
        "ago": words.span(page.now - last.at),
    }
    return _("%(name)s was first and %(what)s “%(title)s” %(ago)s ago. Nothing of yours was recorded.") % facts


def _seen(request: HttpRequest) -> str:
    seen = request.GET.get("seen", "")
    return seen if seen.isdecimal() and len(seen) <= 6 else ""


def _is_id(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= 18


PAGES: Final[Mapping[str, tuple[str, Callable[..., HttpResponse]]]] = {
    "desk": ("desk/", show),
    "desk_keys": ("desk/keys/", keys),
    "desk_recent": ("desk/recent/", recently),
    "desk_filter_save": ("desk/filters/", save_filter),
    "desk_filter_drop": ("desk/filters/<int:filter_id>/drop/", drop_filter),
    "desk_proposal": ("desk/<uuid:object_id>/", show),
    "desk_decide": ("desk/<uuid:object_id>/decide/", decide),
    "desk_edit": ("desk/<uuid:object_id>/edit/", edit),
    "desk_undo": ("desk/<uuid:object_id>/undo/", undo),
    "desk_retry": ("desk/<uuid:object_id>/retry/", retry),
    "desk_snooze": ("desk/<uuid:object_id>/snooze/", snooze),
    "desk_wake": ("desk/<uuid:object_id>/wake/", wake),
    "desk_reassign": ("desk/<uuid:object_id>/reassign/", reassign),
    "desk_looking": ("desk/<uuid:object_id>/looking/", looking),
}

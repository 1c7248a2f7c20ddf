"""The inbox: a person's notices, unread first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages as shown
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.review.actions import page_url, person_of
from approvals.messaging import composition
from approvals.models import ASKING, Notice, State
from approvals.notices import occasions
from approvals.people import eligibility
from approvals.presentation import words
from approvals.queue.available_actions import Offers
from approvals.queue.search import read_id
from audit.clock import database_now
from policies.publishing.publish import active_policy

A_PAGE: Final = 25
MOST: Final = 500
"""Nobody pages further back; the list of proposals finds what is older."""


@dataclass(frozen=True, slots=True)
class InboxLine:
    """One notice as the inbox shows it."""

    notice: Notice
    heading: str
    title: str
    url: str
    when: SafeString
    state: State
    surface: str
    time_left: SafeString | str
    asks: bool


def show(request: HttpRequest, frame: Mapping[str, Any]) -> HttpResponse:
    """Show the inbox (GET), or mark notices as read (POST)."""
    person = person_of(request)
    if request.method == "POST":
        return _mark(request, person)
    page = Paginator(_newest(person), A_PAGE).get_page(request.GET.get("p"))
    lines = _lines(person, [*page.object_list])
    context = {
        **frame,
        "title": _("Inbox"),
        "is_nav_sidebar_enabled": False,
        "page": page,
        "lines": lines,
        "has_unread": any(line.notice.read_at is None for line in lines),
        "unread": occasions.unread_by(person)[:100].count(),
    }
    response = TemplateResponse(request, "approvals/inbox/inbox.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _newest(person: User) -> list[UUID]:
    """Return the ids of the notices of `person`: the unread, then the read ones, each newest first."""
    rows = occasions.inbox(person).order_by("-at").values_list("pk", flat=True)
    unread = list(rows.filter(read_at=None)[:MOST])
    return [*unread, *rows.filter(read_at__isnull=False)[: MOST - len(unread)]]


def _lines(person: User, ids: Sequence[UUID]) -> list[InboxLine]:
    notices = Notice.objects.in_bulk(ids)
    policy, now = active_policy(), database_now()
    mine = eligibility.visible(person).filter(pk__in={notice.proposal_id for notice in notices.values()})
    proposals: dict[UUID, Any] = mine.as_of_now().select_related("surface").in_bulk()
    waiting = {*eligibility.waiting_for(person, mine, policy).values_list("pk", flat=True)}
    lines = []
    for notice in (notices[pk] for pk in ids if notices[pk].proposal_id in proposals):
        proposal = proposals[notice.proposal_id]
        asks = notice.kind in ASKING and notice.proposal_id in waiting
        seen = composition.Sight(proposal, policy, State(proposal.state_now), now, Offers())
        lines.append(_line(notice, seen, asks=asks))
    return lines


def _line(notice: Notice, seen: composition.Sight, *, asks: bool) -> InboxLine:
    proposal, now = seen.proposal, seen.now
    return InboxLine(
        notice=notice,
        heading=composition.heading(notice, seen, asks=asks),
        title=proposal.title,
        url=page_url(proposal.pk),
        when=words.ago(notice.at, now),
        state=seen.state,
        surface=proposal.surface.name,
        time_left=words.time_left(proposal, state=seen.state, now=now) if asks else "",
        asks=asks,
    )


def _mark(request: HttpRequest, person: User) -> HttpResponse:
    """Mark the notices that the form names as read, or all of them; then show where it was sent from."""
    if "all" in request.POST:
        count = occasions.mark_read(person=person)
    else:
        count = occasions.mark_read(person=person, notices=_ids(request.POST.getlist("notice")))
    if count:
        shown.success(
            request, ngettext("%(count)s notice is marked as read.", "%(count)s notices are marked as read.", count)
            % {"count": count},
        )  # fmt: skip
    return HttpResponseRedirect(reverse("admin:inbox"))


def _ids(texts: Sequence[str]) -> list[UUID]:
    """Return the ids among `texts`; there is nothing to mark for what is not of our making."""
    return [number for text in texts[:A_PAGE] if (number := read_id(text)) is not None]

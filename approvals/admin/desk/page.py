"""The desk: on the left what waits for a person, on the right one proposal ready to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from approvals.admin.desk import recent as desk_recent
from approvals.admin.desk import rows
from approvals.admin.desk.recent import Recent
from approvals.admin.desk.rows import Listed
from approvals.admin.records.filters import policy_of, reader_of
from approvals.admin.review import approvals
from approvals.admin.review import page as review_page
from approvals.models import Snooze
from approvals.models.verdicts import CHOICES
from approvals.people import eligibility
from approvals.queue import presence, turns
from approvals.queue.turns import QueueFilter
from policies.registry import kill_switches

Frame = Mapping[str, Any]

KEYS_COOKIE: Final = "desk_keys"
UNDO: Final = "undo-"
"""Marks a message as told of a decision on the proposal whose id follows."""
MOST_PEOPLE: Final = 50
MORNING: Final = time(8)


@dataclass(frozen=True, slots=True)
class Later:
    """One way of putting a proposal off; `note` is said beside it."""

    name: str
    words: str
    note: str
    until: datetime
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What is on the right: a proposal, by default the first; the form that failed; the revision seen before.

    `is_handing_on` shows whose turn it can be; otherwise nobody asks the database for that.
    """

    proposal_id: UUID | None = None
    failed: Form | None = None
    seen: str = ""
    is_handing_on: bool = False


NOTHING: Final = Opened()


def look_up(request: HttpRequest) -> Listed:
    """Read what waits for the person who asks, as the address narrows it."""
    # Never before something is decided: that reads roles afresh.
    return rows.listed(reader_of(request), policy_of(request), rows.wanted(request.GET))


def go(request: HttpRequest, frame: Frame, opened: Opened, *, listed: Listed | None = None) -> HttpResponse:
    """Lead on to the desk after a POST: at once where htmx asks, by a redirect where a browser does."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, frame, opened, listed=listed)
    address = rows.url(rows.wanted(request.GET), opened.proposal_id)
    if opened.seen:
        address += ("&" if "?" in address else "?") + f"seen={opened.seen}"
    return HttpResponseRedirect(f"{address}#proposal-heading")


def render(
    request: HttpRequest, frame: Frame, opened: Opened = NOTHING, *, listed: Listed | None = None
) -> HttpResponse:
    """Draw the desk; only the part that changes, where htmx asks. Raises Http404 for what one may not see."""
    listed = listed or look_up(request)
    person, policy = _person(request), listed.policy
    engaged = kill_switches.engaged()
    shown = opened.proposal_id or listed.next_after(None)
    page = review_page.load(person, shown, policy=policy) if shown else None
    recent = desk_recent.recent(person, policy)
    context = {
        **frame,
        "title": page.proposal.title if page else _("Desk"),
        "is_nav_sidebar_enabled": False,
        "on_desk": True,
        "is_chosen": opened.proposal_id is not None,
        "may_decide": person.has_perm(eligibility.DECIDE),
        "keys": CHOICES.values(),
        "has_keys": request.COOKIES.get(KEYS_COOKIE) != "off",
        "engaged_switches": engaged,
        "desk_count": _desk_count(person, listed),
        **_recently(request, recent),
        "toasts": _toasts(request, recent),
        "next": listed.next_after(shown) if listed.has(shown) else None,
        **rows.context(request, listed, shown),
    }
    if page is not None:
        context |= review_page.pieces(person, page, failed=opened.failed, engaged=engaged)
        context |= _pane(request, page, listed, opened)
        if len(page.proposal.requirements) > 1:  # of one approval, the page says enough without asking more
            context |= approvals.context(person, page.proposal, policy=page.policy, state=page.state)
    return _answer(request, context, page)


def recently(request: HttpRequest) -> HttpResponse:
    """Draw what was decided last by itself, for the desk that looks again when something was to ship."""
    recent = desk_recent.recent(reader_of(request), policy_of(request))
    query = rows.query(rows.wanted(request.GET))
    context = {**_recently(request, recent), "query": query}
    response = TemplateResponse(request, "approvals/desk/recent.html", context)
    response["Cache-Control"] = "no-store"
    response["HX-Push-Url"] = "false"
    return response


def _recently(request: HttpRequest, recent: Sequence[Recent]) -> dict[str, Any]:
    return {
        "recent": [(row, _act(request, row.proposal_id, "undo")) for row in recent],
        "look_again_in": desk_recent.look_again_in(recent),
    }


def _answer(request: HttpRequest, context: dict[str, Any], page: review_page.ReviewPage | None) -> HttpResponse:
    is_part = bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    response = TemplateResponse(request, f"approvals/desk/{'answer' if is_part else 'page'}.html", context)
    response["Cache-Control"] = "no-store"  # what was decided must not come back with the back button
    response["Vary"] = "HX-Request"
    if is_part:
        response["HX-Push-Url"] = rows.url(context["wanted"], page.proposal.pk if page else None)
    return response


def _pane(request: HttpRequest, page: review_page.ReviewPage, listed: Listed, opened: Opened) -> dict[str, Any]:
    proposal, person = page.proposal, _person(request)
    is_handing_on = opened.is_handing_on and page.offers.may_decide and page.surface is not None
    acts = ("decide", "edit", "undo", "retry", "snooze", "wake", "reassign", "looking")
    seen = opened.seen
    return {
        "where": {act: _act(request, proposal.pk, act) for act in acts},
        "replaced": review_page.replaced(seen, page, proposal.revisions.filter(number=seen)) if seen else None,
        "people": _people(page) if is_handing_on else None,
        "hand_on": f"{_act(request, proposal.pk, 'proposal')}{'&' if listed.wanted != QueueFilter() else '?'}hand=on",
        "assignment": getattr(proposal, "assignment", None),
        "snoozes": _offered(snoozes(page)) if page.offers.may_decide else (),
        "put_off": None if listed.has(proposal.pk) and listed.wanted.pile != "snoozed" else _put_off(page, person),
        "others": presence.others(proposal=proposal, person=person),
    }


def snoozes(page: review_page.ReviewPage) -> list[Later]:
    """Return the ways of putting a proposal off, none longer than may be."""
    now = timezone.localtime(page.now)
    morning = datetime.combine(now.date() + timedelta(days=1), MORNING, tzinfo=now.tzinfo)
    latest = turns.latest_snooze(page.proposal.deadline_at, at=page.now)
    offers = (
        ("15m", _("15 minutes"), now + timedelta(minutes=15)),
        ("1h", _("1 hour"), now + timedelta(hours=1)),
        ("tomorrow", _("Tomorrow morning"), morning),
    )
    return [
        Later(name, words, formats.date_format(until, "H:i"), until, is_cut=False)
        if until <= latest
        else Later(name, _until(latest), _("Half of the time left"), latest, is_cut=True)
        for name, words, until in offers
    ]


def _offered(choices: Sequence[Later]) -> list[Later]:
    """Return what is worth a button: of those that are cut, all until the same moment, only one."""
    cut = [later for later in choices if later.is_cut]
    return [later for later in choices if not later.is_cut] + cut[:1]


def _until(at: datetime) -> str:
    """Say until when; never further away than tomorrow morning."""
    local = timezone.localtime(at)
    words = _("Until %s today") if local.date() == timezone.localdate() else _("Until %s tomorrow")
    return words % formats.date_format(local, "H:i")


def clock(at: datetime) -> str:
    """Write a time near by, in the reader's time zone."""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    return formats.date_format(local, "H:i" if is_today else "j M, H:i")


def _people(page: review_page.ReviewPage) -> Sequence[User]:
    assert page.surface is not None
    return list(eligibility.deciders(page.proposal, page.surface)[:MOST_PEOPLE])


def _put_off(page: review_page.ReviewPage, person: User) -> Snooze | None:
    return Snooze.objects.filter(proposal=page.proposal, person=person, until__gt=page.now).first()


def _toasts(request: HttpRequest, recent: list[Recent]) -> list[dict[str, Any]]:
    """Take what is to be told from the messages; a decision comes with its undo while that is offered.

    Only then it says as well how that can be undone, which is the second line of the message.
    """
    undoable = {f"{UNDO}{row.proposal_id}": row for row in recent if row.offers.may_undo}
    lines = []
    for message in messages.get_messages(request):
        row = undoable.get(message.extra_tags)
        undo = _act(request, row.proposal_id, "undo") if row else ""
        text, _line, promise = str(message).partition("\n")
        lines.append(
            {
                "text": text,
                "promise": promise if row else "",
                "level": message.level_tag,
                "undo": undo,
                "recent": row,
            }
        )
    return lines


def _desk_count(person: User, listed: Listed) -> int:
    """Return how many wait for the person; asked for only where this page has not counted just that."""
    is_mine = listed.wanted.pile is turns.Pile.MINE
    return listed.turns.in_pile if is_mine else turns.how_many(person, policy=listed.policy)


def _act(request: HttpRequest, proposal_id: UUID, act: str) -> str:
    return rows.url(rows.wanted(request.GET), proposal_id, act)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user

"""Tell people what happens. The only writer of occasions and notices.

What happens writes one row in its own transaction, an occasion. A sweep turns it into a notice for each
person and a row for each channel; another sends those. So nothing that happens waits for a channel.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from approvals.models import (
    ASKING,
    DispatchStatus,
    Notice,
    NoticeDelivery,
    NoticeKind,
    Occasion,
    OutsideAddress,
    Pace,
    Proposal,
    State,
)
from approvals.notices import channels, preferences, recipients
from approvals.notices.channels import INBOX
from approvals.notices.recipients import Reader
from approvals.notices.timing import due_at
from approvals.people import eligibility
from audit.clock import database_now
from policies import plain_text
from policies.models import Agent

_BY_STATE: Final = {
    State.PENDING: NoticeKind.WAITS_FOR_YOU,
    State.EDITED: NoticeKind.WAITS_FOR_YOU,
    State.APPROVED: NoticeKind.DECIDED,
    State.REJECTED: NoticeKind.DECIDED,
    State.RETURNED: NoticeKind.DECIDED,
    State.TAKEN_OVER: NoticeKind.DECIDED,
    State.BLOCKED: NoticeKind.DECIDED,
    State.ROLLED_BACK: NoticeKind.DECIDED,
    State.FAILED: NoticeKind.FAILED,
    State.EXPIRED: NoticeKind.EXPIRED,
    State.WITHDRAWN: NoticeKind.WITHDRAWN,
}


def enqueue(
    kind: str,
    proposal: Proposal,
    *,
    at: datetime,
    by: User | Agent | None = None,
    roles: Iterable[str] = (),
    people: Iterable[User] = (),
    note: str = "",
) -> None:
    """Have people told of `proposal`, in the caller's transaction, with one statement.

    Told are those whom the kind is for by itself (see `audience`), and besides them `roles` and `people`;
    never `by`. Where it asks for a decision, `roles` are those that are asked. `note` is a sentence for them, at
    most 500 characters.
    """
    occasion = _occasion(kind, proposal, at=at, by=by)
    occasion.roles = [*roles]
    occasion.people = [person.pk for person in people]
    occasion.note = plain_text.one_line(plain_text.kept(note))[:500]
    occasion.save(force_insert=True)


def first(proposal: Proposal, *, at: datetime) -> list[Occasion]:
    """Return the occasion of a new proposal, unsaved, for a caller that inserts it together with other rows."""
    if proposal.state == State.PENDING:
        kind = NoticeKind.WAITS_FOR_YOU
    elif proposal.state == State.APPROVED and proposal.release_at is not None and proposal.release_at > at:
        kind = NoticeKind.SHIPPED_BY_ITSELF
    else:
        return []
    return [_occasion(kind, proposal, at=at, by=None)]


def follow(proposal: Proposal, *, was: str, has_new_content: bool, by: User | Agent | None, at: datetime) -> None:
    """Have people told of a step of `proposal` from state `was`, if it is one that they want to know of."""
    kind = _BY_STATE.get(State(proposal.state))
    if proposal.state == was and not has_new_content:
        return
    if was == State.RETURNED and proposal.state == State.PENDING:
        kind = NoticeKind.SENT_BACK_ANSWER
    if kind is not None and was != State.FAILED:
        enqueue(kind, proposal, at=at, by=by)


def _occasion(kind: str, proposal: Proposal, *, at: datetime, by: User | Agent | None) -> Occasion:
    person = by if isinstance(by, User) else None
    name = "" if by is None else by.get_username() if isinstance(by, User) else by.name
    return Occasion(kind=kind, proposal_id=proposal.pk, by=person.pk if person else None, by_name=name, at=at)


def fan_out(*, most: int = 500) -> int:
    """Tell people of up to `most` occasions, each in a transaction of its own; return how many there were.

    Any number of sweeps may run at once: rows that another one holds are skipped.
    """
    for done in range(most):
        if not _fan_out_next():
            return done
    return most


@transaction.atomic
def _fan_out_next() -> bool:
    # Those of one proposal in their order, or else a late question would be asked after its answer.
    earlier = Occasion.objects.filter(proposal=OuterRef("proposal"), id__lt=OuterRef("id"))
    rows = Occasion.objects.select_for_update(skip_locked=True).filter(~Exists(earlier))
    occasion = rows.order_by("id").first()
    if occasion is None:
        return False
    proposal = Proposal.objects.select_related("agent").get(pk=occasion.proposal_id)
    if occasion.kind not in ASKING:
        _nothing_is_asked_any_more(proposal, occasion.at)
    told = recipients.of(occasion, proposal)
    _tell(occasion, told)
    _tell_addresses(occasion, proposal)
    bring_up_to_date(proposal, at=database_now())
    occasion.delete()
    return True


def _nothing_is_asked_any_more(proposal: Proposal, at: datetime) -> None:
    asked = Notice.objects.filter(proposal=proposal, kind__in=ASKING)
    asked.filter(read_at=None).update(read_at=at)
    asked.update(is_in_inbox=False)
    waiting = NoticeDelivery.objects.filter(proposal=proposal, kind__in=ASKING, status=DispatchStatus.WAITING)
    waiting.update(status=DispatchStatus.CANCELLED)


def _tell(occasion: Occasion, told: list[Reader]) -> None:
    wanted = preferences.of([reader.person for reader in told])
    notices, deliveries = [], []
    for reader in told:
        person, wish = reader.person, wanted[reader.person.pk]
        is_in_inbox = wish.pace(occasion.kind, INBOX) != Pace.NEVER
        to = {"person": person, "note": _note(occasion, reader)}
        notices.append(Notice(**{**_facts(occasion), **to}, is_in_inbox=is_in_inbox))
        for channel in wish.channels:
            pace = wish.pace(occasion.kind, channel)
            if pace != Pace.NEVER:
                due = due_at(pace, wish.reach, occasion.at)
                is_gathered = pace != Pace.NOW
                deliveries.append(_delivery(occasion, channel.slug, due=due, is_gathered=is_gathered, **to))
    Notice.objects.bulk_create(
        notices,
        update_conflicts=True,
        unique_fields=["person", "proposal", "kind"],
        update_fields=["by_name", "note", "at", "is_in_inbox", "read_at"],
    )
    NoticeDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def _tell_addresses(occasion: Occasion, proposal: Proposal) -> None:
    deliveries = [
        _delivery(occasion, channel.slug, due=occasion.at, address=address)
        for channel in channels.sending()
        for address in channel.addresses(occasion.kind, proposal.surface_id)
    ]
    NoticeDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def _note(occasion: Occasion, reader: Reader) -> str:
    """Return the sentence for one reader: who stands in is told for whom."""
    if not reader.stands_in_for:
        return occasion.note
    names = ", ".join(reader.stands_in_for)
    return f"{_('You stand in for %s.') % names} {occasion.note}".strip()[:500]


def _facts(occasion: Occasion) -> dict[str, object]:
    return {
        "kind": occasion.kind,
        "proposal_id": occasion.proposal_id,
        "by_name": occasion.by_name,
        "note": occasion.note,
        "at": occasion.at,
    }


def _delivery(occasion: Occasion, channel: str, *, due: datetime, **to: object) -> NoticeDelivery:
    address = to.get("address")
    lane = f"{channel}:{address.pk}" if isinstance(address, OutsideAddress) else channel
    facts = {**_facts(occasion), **to}
    return NoticeDelivery(channel=channel, lane=lane, next_attempt_at=due, created_at=occasion.at, **facts)


def bring_up_to_date(proposal: Proposal, *, at: datetime) -> None:
    """Have every message about `proposal` that can still be changed say how it is now."""
    for channel in channels.sending():
        channel.bring_up_to_date(proposal, at=at)


def mark_read(*, person: User, notices: Iterable[UUID] | None = None) -> int:
    """Mark these notices of `person` as read, or (None) all of them; return how many were not."""
    unread = Notice.objects.filter(person=person, read_at=None)
    if notices is not None:
        unread = unread.filter(pk__in=[*notices])
    return unread.update(read_at=database_now())


def inbox(person: User) -> QuerySet[Notice]:
    """Return what the inbox of `person` holds, of what they may see."""
    return Notice.objects.filter(person=person, is_in_inbox=True, proposal__in=eligibility.visible(person))


def unread_by(person: User) -> QuerySet[Notice]:
    """Return the notices that `person` has not read, in no order."""
    rows: QuerySet[Notice] = Notice.objects.filter(person=person, is_in_inbox=True, read_at=None)
    return rows.order_by()

"""Record occasions and the notices they cause. The only writer of both.

What happens writes one row in its own transaction, an occasion. A sweep turns many of them at a time into a notice
for each person and a row for each channel; another sends those. So nothing that happens waits for a channel.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from approvals.models import (
    ASKING,
    OPEN,
    DispatchStatus,
    Notice,
    NoticeDelivery,
    NoticeKind,
    Occasion,
    Pace,
    Proposal,
    State,
)
from approvals.notices import channels, deliveries, preferences, recipients
from approvals.notices.channels import INBOX
from approvals.notices.deliveries import Told
from approvals.notices.preferences import Wish
from approvals.notices.recipients import Reader
from approvals.people import eligibility
from audit.clock import database_now
from policies import plain_text
from policies.models import Agent
from policies.publishing.publish import active_policy

MOST_AT_ONCE: Final = 100
"""So many occasions share a transaction: long enough to share what is read, short enough that nobody waits for it."""
MOST_READERS: Final = 4_000
_OF_A_PROPOSAL: Final = (
    "state", "deadline_at", "owner_id", "deciding_roles", "requirements", "distinct_people", "close_people",
    "asked_again_at", "surface_id", "tier_id", "agent__owner_id", "revision__author_id", "verdict__at",
    "verdict__tier_id", "verdict__policy_version_id", "verdict__policy_digest",
)  # fmt: skip

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


def asking(kind: str, proposal: Proposal, *, roles: Iterable[str], at: datetime, by: User) -> Occasion:
    """Return the occasion, unsaved, of `roles` being asked, for a caller that inserts it with other rows."""
    occasion = _occasion(kind, proposal, at=at, by=by)
    occasion.roles = [*roles]
    return occasion


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

    Told are those whom the kind is for by itself (see `recipients`), and besides them `roles` and `people`;
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


def following(
    proposal: Proposal, *, was: str, has_new_content: bool, by: User | Agent | None, at: datetime
) -> list[Occasion]:
    """Return the occasion, unsaved, of a step of `proposal` from state `was`, if people want to know of it."""
    kind = _BY_STATE.get(State(proposal.state))
    if proposal.state == was and not has_new_content:
        return []
    if was == State.RETURNED and proposal.state == State.PENDING:
        kind = NoticeKind.SENT_BACK_ANSWER
    return [] if kind is None or was == State.FAILED else [_occasion(kind, proposal, at=at, by=by)]


def _occasion(kind: str, proposal: Proposal, *, at: datetime, by: User | Agent | None) -> Occasion:
    person = by if isinstance(by, User) else None
    name = "" if by is None else by.get_username() if isinstance(by, User) else by.name
    return Occasion(kind=kind, proposal_id=proposal.pk, by=person.pk if person else None, by_name=name, at=at)


def fan_out(*, most: int = 500) -> int:
    """Tell people of up to `most` occasions, many of them in one transaction; return how many there were.

    Any number of sweeps may run at once: what another one holds is skipped.
    """
    done = 0
    while done < most and (number := _fan_out_next(min(MOST_AT_ONCE, most - done))):
        done += number
    return done


@transaction.atomic
def _fan_out_next(most: int) -> int:
    """Tell of the next occasions; return how many there were.

    The number of statements does not depend on how many occasions, people or channels there are.
    """
    at = database_now()
    occasions = _claim(most)
    if not occasions:
        return 0
    proposals = _proposals(occasions)
    calls = [(one, proposals[one.proposal_id]) for one in _unanswered(occasions, proposals, at=at)]
    readers = recipients.of_each(calls) if calls else []
    audiences = [Told(occasion, proposal, who) for (occasion, proposal), who in zip(calls, readers, strict=True)]
    if len(audiences) > 1 and sum(len(one.readers) for one in audiences) > MOST_READERS:
        # A whole company is told: half of it now, in its order, and the rest in the next transaction.
        half = audiences[len(audiences) // 2].occasion.pk
        occasions = [one for one in occasions if one.pk < half]
        audiences = [one for one in audiences if one.occasion.pk < half]
    _nothing_is_asked_any_more({one.proposal_id for one in occasions if one.kind not in ASKING}, at)
    _tell(audiences, at=at)
    bring_up_to_date({one.proposal_id for one in occasions}, at=at)
    Occasion.objects.filter(pk__in=[one.pk for one in occasions]).delete()
    return len(occasions)


def _claim(most: int) -> list[Occasion]:
    """Lock the next occasions: those of one proposal in their order, or else a question would come after its answer."""
    earlier = Occasion.objects.filter(proposal=OuterRef("proposal"), id__lt=OuterRef("id"))
    rows = Occasion.objects.select_for_update(skip_locked=True).order_by("id")
    first = list(rows.filter(~Exists(earlier))[:most])
    if not first or len(first) == most:
        return first
    # The round that holds the first of a proposal is the only one to take the others.
    known = [one.pk for one in first]
    others = rows.filter(proposal__in=[one.proposal_id for one in first]).exclude(pk__in=known)
    return sorted([*first, *others[: most - len(first)]], key=lambda one: one.pk)


def _proposals(occasions: Sequence[Occasion]) -> dict[UUID, Proposal]:
    rows = Proposal.objects.select_related("agent", "revision", "verdict").only(*_OF_A_PROPOSAL)
    by_id: dict[UUID, Proposal] = rows.in_bulk({one.proposal_id for one in occasions})
    return by_id


def _unanswered(occasions: Sequence[Occasion], proposals: Mapping[UUID, Proposal], *, at: datetime) -> list[Occasion]:
    """Leave out what asks for what is settled by now, or was answered before it was asked."""
    last_answer = {one.proposal_id: one.pk for one in occasions if one.kind not in ASKING}
    kept = []
    for one in occasions:
        proposal, answer = proposals[one.proposal_id], last_answer.get(one.proposal_id)
        is_open = proposal.state in OPEN and proposal.deadline_at > at
        if one.kind not in ASKING or (is_open and (answer is None or answer < one.pk)):
            kept.append(one)
    return kept


def _nothing_is_asked_any_more(proposals: Collection[UUID], at: datetime) -> None:
    """Take back what was asked of these. Rows are locked in their order, so that two rounds never wait in a circle."""
    if not proposals:
        return
    notices = Notice.objects.filter(proposal__in=proposals, kind__in=ASKING).order_by("pk").select_for_update()
    rows = Notice.objects.filter(pk__in=notices.values("pk"))
    rows.update(is_in_inbox=False, read_at=Coalesce("read_at", at))
    waiting = NoticeDelivery.objects.filter(
        proposal__in=proposals, kind__in=ASKING, status=DispatchStatus.WAITING
    ).order_by("pk")
    held = NoticeDelivery.objects.filter(pk__in=waiting.select_for_update().values("pk"))
    held.update(status=DispatchStatus.CANCELLED)


def _tell(audiences: Sequence[Told], *, at: datetime) -> None:
    if not audiences:
        return
    wishes = preferences.of(
        [*{reader.person.pk: reader.person for one in audiences for reader in one.readers}.values()]
    )
    # Of the same kind twice in one round the last one counts, as it would one after the other.
    notices = {
        (reader.person.pk, one.proposal.pk, one.occasion.kind): _notice(one.occasion, reader, wishes[reader.person.pk])
        for one in audiences
        for reader in one.readers
    }
    Notice.objects.bulk_create(
        [notices[key] for key in sorted(notices)],
        update_conflicts=True,
        unique_fields=["person", "proposal", "kind"],
        update_fields=["by_name", "note", "at", "is_in_inbox", "read_at"],
    )
    NoticeDelivery.objects.bulk_create(
        deliveries.plan(audiences, wishes, active_policy(), at=at), ignore_conflicts=True
    )


def _notice(occasion: Occasion, reader: Reader, wish: Wish) -> Notice:
    return Notice(
        person_id=reader.person.pk,
        kind=occasion.kind,
        proposal_id=occasion.proposal_id,
        by_name=occasion.by_name,
        note=deliveries.note(occasion, reader),
        at=occasion.at,
        is_in_inbox=wish.pace(occasion.kind, INBOX) != Pace.NEVER,
    )


def bring_up_to_date(proposals: Collection[UUID], *, at: datetime) -> None:
    """Have every message about `proposals` that can still be changed say how they are now."""
    for channel in channels.sending():
        channel.bring_up_to_date(proposals, at=at)


def mark_read(*, person: User, notices: Iterable[UUID] | None = None) -> int:
    """Mark these notices of `person` as read, or (None) all of them; return how many were not."""
    unread = Notice.objects.filter(person=person, read_at=None)
    if notices is not None:
        unread = unread.filter(pk__in=[*notices])
    # What a sweep holds is being told anew at this moment, and stays unread.
    free = unread.select_for_update(skip_locked=True).values("pk")
    with transaction.atomic():
        return Notice.objects.filter(pk__in=free).update(read_at=database_now())


def inbox(person: User) -> QuerySet[Notice]:
    """Return what the inbox of `person` holds, of what they may see."""
    return Notice.objects.filter(person=person, is_in_inbox=True, proposal__in=eligibility.visible(person))


def unread_by(person: User) -> QuerySet[Notice]:
    """Return the notices that `person` has not read, in no order."""
    rows: QuerySet[Notice] = Notice.objects.filter(person=person, is_in_inbox=True, read_at=None)
    return rows.order_by()

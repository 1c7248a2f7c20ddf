"""Messages in Slack: post, update with the proposal, answer. No transaction is open meanwhile."""

from dataclasses import replace

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.messaging import composition, decision_links
from approvals.messaging.composition import Sight
from approvals.messaging.message import Digest, Message, MessageChoice, NotSent
from approvals.messaging.slack import transport
from approvals.messaging.slack.transport import Posted
from approvals.models import (
    Decision,
    DispatchStatus,
    NoticeDelivery,
    Proposal,
    Reachability,
    SlackAnswer,
    SlackLink,
    SlackMessage,
)
from approvals.notices import preferences
from approvals.outbox import queue
from audit.clock import database_now


def post(row: NoticeDelivery, message: Message) -> None:
    """Send a notice to the person's Slack account, and remember where it stands. Raises NotSent."""
    link = linked(row.person_id)
    before = _mark(row)
    posted = transport.post(message, to=link.slack_user)
    at = database_now()
    with transaction.atomic():
        stands = SlackMessage.objects.create(
            proposal_id=row.proposal_id,
            person_id=link.person_id,
            kind=row.kind,
            slack_channel=posted.channel,
            slack_ts=posted.ts,
            status=DispatchStatus.DELIVERED,
            next_attempt_at=at,
            created_at=at,
            delivered_at=at,
        )
    if _mark(row) != before:  # it moved on before anybody could know of this message
        SlackMessage.objects.filter(pk=stands.pk).update(status=DispatchStatus.WAITING)


def post_digest(row: NoticeDelivery, digest: Digest) -> None:
    """Send several notices as one message to the person's Slack account. Raises NotSent."""
    transport.post_digest(digest, to=linked(row.person_id).slack_user)


def linked(person: int | None) -> SlackLink:
    """Return the Slack account of a person. Raises NotSent where they have linked none."""
    link = SlackLink.objects.filter(person=person).first()
    if link is None:
        raise NotSent(_("The person has no linked Slack account."), is_final=True)
    return link


def _mark(row: NoticeDelivery) -> object:
    return Proposal.objects.values_list("state", "revision").get(pk=row.proposal_id)


def update_next() -> bool:
    """Bring one message up to date; return whether there was one. Raises NotSent where Slack cannot be reached."""
    claimed = queue.claim(SlackMessage)
    if not claimed:
        return False
    row = claimed[0]
    posted = Posted(row.slack_channel, row.slack_ts)
    try:
        message = _rewritten(row)
        if message is None:
            transport.withdraw(_("You can’t decide on this any more."), posted)
        else:
            transport.update(message, posted)
    except NotSent as error:
        return _failed(row, error)
    queue.settle(row)
    return True


def _rewritten(row: SlackMessage) -> Message | None:
    seen = composition.sight(row.proposal_id, row.person) if row.person.is_active else None
    if seen is None:
        return None
    standing = composition.as_it_stands(row.kind, seen)
    reach = preferences.reach_of(Reachability.objects.filter(person=row.person).first())
    with timezone.override(reach.zone):
        return composition.write(standing, seen, identifier=str(row.pk), person=row.person, choices=with_choices)


def with_choices(message: Message, seen: Sight, _person: User) -> Message:
    """Add a button to approve, and a menu of reasons to reject."""
    proposal = seen.proposal
    value = decision_links.button_value(proposal)
    reasons = [reason for reason in Decision.ReasonCode if reason != Decision.ReasonCode.OTHER]
    # A checklist is ticked on a page.
    approve = MessageChoice(_("Approve"), value) if seen.may.may_approve and not proposal.checklist else None
    reject = [MessageChoice(str(reason.label), reason.value) for reason in reasons]
    return replace(message, approve=approve, reject=reject, reject_text=_("Reject…"), binding=value)


def answer_next() -> bool:
    """Answer one press of a button; return whether there was one. Raises NotSent where Slack cannot be reached."""
    claimed = queue.claim(SlackAnswer)
    if not claimed:
        return False
    row = claimed[0]
    try:
        transport.answer(row.text, url=row.url)
    except NotSent as error:
        return _failed(row, error)
    queue.settle(row)
    return True


def _failed(row: SlackMessage | SlackAnswer, error: NotSent) -> bool:
    queue.settle(row, error=error.reason, is_final=error.is_final, after=error.after)
    if error.is_channel_down:
        raise error
    return True

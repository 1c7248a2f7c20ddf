"""People decide from Slack: link an account, press a button. The only writer of what Slack needs remembered."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from approvals.errors import ProposalError
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.messaging import decision_links
from approvals.messaging.slack.channel import SlackChannel
from approvals.models import Decision, SlackAnswer, SlackCall, SlackLink
from approvals.models.verdicts import IN_MESSAGES
from approvals.notices import occasions
from approvals.outbox.wakeups import wake
from approvals.people import eligibility
from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor

TASK: Final = "approvals.tasks.deliver_notices"
KEPT: Final = timedelta(hours=1)
LINK_SECONDS: Final = 3600
_SALT: Final = "approvals.slack.link"


class LinkRefused(ValueError):
    """A Slack account cannot be linked; the message says why."""

    code = "slack_link_refused"


@transaction.atomic
def is_first(signature: str, *, at: datetime) -> bool:
    """Remember a call that Slack has signed; return whether it is new. What is older than an hour is forgotten."""
    SlackCall.objects.filter(at__lt=at - KEPT).delete()
    try:
        with transaction.atomic():
            SlackCall.objects.create(signature=signature[:80], at=at)
    except IntegrityError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Press:
    """A button pressed in Slack: by whom, what, about which revision, and where to answer."""

    slack_user: str
    verdict: str
    reason_code: str
    binding: str
    answer_url: str


def read(payload: Any) -> Press | None:
    """Read what Slack tells of a press; None for what is none of ours, such as a followed link."""
    try:
        if payload["type"] != "block_actions" or has_nul(payload):
            return None
        action = payload["actions"][0]
        user, url = str(payload["user"]["id"]), str(payload.get("response_url", ""))
        verdict = str(action["action_id"])
        if verdict not in IN_MESSAGES:
            return None
        if "selected_option" in action:
            return Press(user, verdict, str(action["selected_option"]["value"]), str(action["block_id"]), url)
        return Press(user, verdict, "", str(action["value"]), url)
    except (KeyError, IndexError, TypeError):
        pass
    return None


def has_nul(value: Any) -> bool:
    """Whether U+0000, which PostgreSQL keeps nowhere, stands in JSON that was read leniently."""
    return "\\u0000" in json.dumps(value).replace("\\\\", "")


def press(pressed: Press) -> str:
    """Decide as the button says, and return the sentence for who pressed it. Every refusal is such a sentence."""
    text = _press(pressed)
    if pressed.answer_url:
        _enqueue_answer(pressed.answer_url, text)
    wake(TASK)
    return text


def _press(pressed: Press) -> str:
    link = SlackLink.objects.select_related("person").filter(slack_user=pressed.slack_user).first()
    if link is None or not link.person.is_active:
        return _("Nothing was decided: this Slack account isn’t linked yet. Link it under “Notification settings”.")
    bound = _bound(pressed.binding)
    proposal = eligibility.visible(link.person).filter(pk=bound[0]).first() if bound else None
    if bound is None or proposal is None:
        return _("Nothing was decided: you can’t see this proposal.")
    try:
        decided = review.decide(
            proposal_id=proposal.pk,
            seen=bound[1],
            by=link.person,
            verdict=Decision.Verdict(pressed.verdict),
            reason_code=pressed.reason_code,
            via=SlackChannel.slug,
            only_reviews=decision_links.REVIEWS,
        )
    except ProposalError as refusal:
        occasions.bring_up_to_date([proposal.pk], at=database_now())
        return _("Nothing was decided. %s") % refusal
    occasions.bring_up_to_date([decided.pk], at=database_now())
    return _("Recorded. It is now %s.") % str(decided.get_state_display()).lower()


def _bound(binding: str) -> tuple[UUID, SeenRevision] | None:
    """Read what a button is about; None for what is not of our making."""
    parts = binding.split("|")
    if len(parts) != 3 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 6:
        return None
    try:
        return UUID(parts[0]), SeenRevision(int(parts[1]), parts[2])
    except ValueError:
        return None


def _enqueue_answer(url: str, text: str) -> None:
    at = database_now()
    SlackAnswer.objects.create(url=url[:500], text=text[:1000], next_attempt_at=at, created_at=at)


def proof(*, person: User, slack_user: str) -> str:
    """Return the text that proves, to who received it as `slack_user`, that it is `person` who asked. For an hour."""
    return signing.dumps({"person": person.pk, "slack_user": slack_user}, salt=_SALT)


def proved(text: str, *, person: User) -> str | None:
    """Return the Slack user that `text` proves `person` to be; None for anything else."""
    try:
        claim = signing.loads(text, salt=_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    return str(claim["slack_user"]) if claim["person"] == person.pk else None


@transaction.atomic
def link(*, person: User, slack_user: str) -> SlackLink:
    """Link a Slack user that `person` has proved to be. Raises LinkRefused where it is somebody else's already."""
    at = database_now()
    if SlackLink.objects.filter(slack_user=slack_user).exclude(person=person).exists():
        raise LinkRefused(_("This Slack account is linked to someone else."))
    row, _made = SlackLink.objects.update_or_create(
        person=person, defaults={"slack_user": slack_user, "confirmed_at": at}
    )
    entries.record("slack.linked", subject=f"user:{person.pk}", actor=actor(person), at=at)
    return row


@transaction.atomic
def unlink(*, person: User) -> None:
    """Forget the Slack user of `person`; presses from there decide nothing any more."""
    count, _rows = SlackLink.objects.filter(person=person).delete()
    if count:
        entries.record("slack.unlinked", subject=f"user:{person.pk}", actor=actor(person), at=database_now())

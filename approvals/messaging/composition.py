"""Compose a message: one proposal in the words of a notice, for one reader, in its present state."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.cards import evidence, showing
from approvals.evaluation import conflicts
from approvals.messaging import decision_links
from approvals.messaging.message import Difference, Digest, Fact, Message
from approvals.models import ASKING, OPEN, Decision, NoticeDelivery, NoticeKind, Proposal, State
from approvals.models.notice import NoticeSubject
from approvals.models.verdicts import SETTLED
from approvals.people import eligibility
from approvals.presentation import participants, words
from approvals.queue.available_actions import Offers, offers
from policies import currencies, plain_text
from policies.engine import references
from policies.engine.policy import Policy
from policies.models import Surface
from policies.publishing.publish import active_policy

MOST_DIFFERENCES: Final = 8
MOST_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Sight:
    """A proposal as one reader sees it now, by the database's clock."""

    proposal: Proposal
    policy: Policy
    state: State
    now: datetime
    may: Offers

    @property
    def may_decide_from_here(self) -> bool:
        """Whether a message may carry the means to decide: the tier is weak enough, and the reader may."""
        return self.may.may_decide and decision_links.is_within_reach(self.proposal, self.policy)


def sight(proposal_id: UUID, person: User | None) -> Sight | None:
    """Return the proposal as `person` sees it, or as an outside address does (None); None where they do not."""
    return sights([proposal_id], person).get(proposal_id)


def sights(proposals: Collection[UUID], person: User | None) -> dict[UUID, Sight]:
    """Return those `proposals` that `person` sees, by id, each as they see it now."""
    rows = Proposal.objects.all() if person is None else eligibility.visible(person)
    # Any: the annotations are no fields that the type knows.
    watched: Any = (
        conflicts.with_signs(rows)
        .as_of_now()
        .annotate(time_now=Now())
        .select_related("revision", "verdict", "agent", "surface", "tier")
        .filter(pk__in=proposals)
    )
    policy = active_policy()
    return {proposal.pk: _sight(proposal, person, policy) for proposal in watched}


def _sight(proposal: Any, person: User | None, policy: Policy) -> Sight:
    state = State(proposal.state_now)
    may = offers(person, proposal, state=state, policy=policy) if person and state in OPEN else Offers()
    return Sight(proposal, policy, state, proposal.time_now, may)


def is_past(subject: NoticeSubject, seen: Sight) -> bool:
    """Whether it asks for what is settled, so that it must not be sent any more."""
    return subject.kind in ASKING and seen.state not in OPEN


Choices = Callable[[Message, Sight, User], Message]


def write(
    subject: NoticeSubject,
    seen: Sight,
    *,
    identifier: str,
    person: User | None,
    can_ask: bool = True,
    choices: Choices | None = None,
) -> Message:
    """Return the message of one notice. Through a channel that `can_ask`, it may ask for a decision.

    `choices` adds the channel's means to decide, for a person who may decide from a message.
    """
    proposal = seen.proposal
    surface = seen.policy.surfaces.get(proposal.surface_id)
    asks = can_ask and subject.kind in ASKING and seen.may.may_decide
    changes, more = _differences(proposal)
    message = Message(
        id=identifier,
        thread=str(proposal.pk),
        asks=asks,
        heading=heading(subject, seen, asks=asks),
        title=plain_text.one_line(plain_text.marked(proposal.title)),
        effect=showing.effect(proposal, surface, state=seen.state, now=seen.now),
        url=review_url(proposal),
        link_text=_("Open and decide") if asks else _("Open in the portal"),
        note=plain_text.one_line(subject.note),
        facts=_facts(seen),
        differences=changes,
        more_differences=more,
    )
    if asks and choices is not None and person is not None and seen.may_decide_from_here:
        return choices(message, seen, person)
    return message


def digest(messages: Sequence[Message], *, identifier: str) -> Digest:
    """Gather several messages, about anything, into one."""
    waiting = [message for message in messages if message.asks]
    count = len(messages)
    if waiting:
        heading = _("%(waiting)s to decide, %(told)s to know") % {
            "waiting": len(waiting), "told": count - len(waiting)
        }  # fmt: skip
    else:
        heading = _("What happened: %s") % count
    return Digest(
        id=identifier,
        heading=heading,
        waiting=waiting,
        told=[message for message in messages if not message.asks],
        url=site_url(reverse("admin:inbox")),
        link_text=_("Your inbox"),
    )


def bundle(messages: Sequence[Message], surface: Surface, *, identifier: str, more_waiting: int, more: int) -> Digest:
    """Gather several messages about one surface into one; `more` are counted only, of which `more_waiting` ask."""
    waiting = [message for message in messages if message.asks]
    waiting_count, number = len(waiting) + more_waiting, len(messages) + more
    place = plain_text.one_line(surface.name)
    if waiting_count:
        heading = ngettext("%(number)s proposal on %(place)s needs you", "%(number)s proposals on %(place)s need you",
                           waiting_count) % {"number": words.number(waiting_count), "place": place}  # fmt: skip
    else:
        heading = _("%(number)s updates on %(place)s") % {"number": words.number(number), "place": place}
    page = f"{reverse('admin:desk')}?{urlencode({'surface': surface.pk})}" if waiting_count else reverse("admin:inbox")
    return Digest(
        id=identifier,
        heading=heading,
        waiting=waiting,
        told=[message for message in messages if not message.asks],
        url=site_url(page),
        link_text=_("Open all of them") if waiting_count else _("Your inbox"),
        more=more,
    )


def as_it_stands(kind: str, seen: Sight) -> NoticeSubject:
    """Return what is to be told of a proposal now, in place of an earlier notice of `kind`."""
    if kind in ASKING and seen.state in OPEN:
        return NoticeDelivery(kind=kind)
    now = {State.EXPIRED: NoticeKind.EXPIRED, State.WITHDRAWN: NoticeKind.WITHDRAWN, State.FAILED: NoticeKind.FAILED}
    last = Decision.objects.filter(proposal=seen.proposal).order_by("-id").first()
    by_people = seen.state in SETTLED and seen.state != State.ROLLED_BACK
    name = last.by_name if last is not None and by_people else ""
    return NoticeDelivery(kind=now.get(seen.state, NoticeKind.DECIDED), by_name=name)


def heading(subject: NoticeSubject, seen: Sight, *, asks: bool) -> str:
    """Say in a few words why somebody is told. Only what `asks` sounds like a request."""
    if subject.kind in ASKING:
        return _request(subject) if asks else _about_others(seen)
    if subject.kind == NoticeKind.SHIPPED_BY_ITSELF:
        return _by_itself(seen)
    who = subject.by_name
    state = seen.state.label
    return {
        NoticeKind.FAILED: _("Could not be shipped"),
        NoticeKind.EXPIRED: _("Expired: nobody decided in time"),
        NoticeKind.WITHDRAWN: _("Withdrawn by %s") % (who or _("its agent")),
        NoticeKind.DEMOTED: _("An agent lost its autonomy"),
    }.get(NoticeKind(subject.kind), _("%(state)s by %(who)s") % {"state": state, "who": who} if who else str(state))


def _request(subject: NoticeSubject) -> str:
    who = subject.by_name
    return {
        NoticeKind.REMINDER: _("Reminder: needs your decision"),
        NoticeKind.ESCALATED: _("Escalated to you: needs your decision"),
        NoticeKind.ASSIGNED: _("Assigned to you by %s") % who if who else _("Assigned to you"),
        NoticeKind.SENT_BACK_ANSWER: _("Revised by its agent: needs your decision"),
    }.get(NoticeKind(subject.kind), _("Needs your decision"))


def _about_others(seen: Sight) -> str:
    if seen.state not in OPEN:
        return str(seen.state.label)
    return _("For your information: needs %s") % ", ".join(sorted(seen.proposal.roles()))


def _by_itself(seen: Sight) -> str:
    release = seen.proposal.release_at
    if seen.state == State.APPROVED and release is not None:
        return _("Ships automatically at %s unless someone stops it") % words.moment(release)
    return _("Shipped automatically") if seen.state == State.SHIPPED else str(seen.state.label)


def _facts(seen: Sight) -> list[Fact]:
    proposal = seen.proposal
    facts = [
        Fact(_("Surface"), proposal.surface.name),
        Fact(_("Agent"), proposal.agent.name),
        Fact(_("Tier"), proposal.tier.name if proposal.tier else "—"),
    ]
    if proposal.amount is not None:
        facts.append(Fact(_("Amount"), currencies.money(proposal.amount, proposal.currency)))
    if proposal.audience_size is not None:
        facts.append(Fact(_("People"), words.number(proposal.audience_size)))
    if seen.state in OPEN:
        facts.append(Fact(_("Needs"), participants.waits_for(proposal)))
        facts.append(Fact(_("Decide until"), words.moment(proposal.deadline_at)))
    return facts


def _differences(proposal: Proposal) -> tuple[list[Difference], int]:
    table = evidence.field_table(proposal.revision.before, references.summed_up(proposal.revision.payload))
    shown = table.differing[:MOST_DIFFERENCES]
    rest = len(table.differing) - len(shown) + table.left_out
    return [Difference(_short(row.path), _short(row.old), _short(row.new)) for row in shown], rest


def _short(text: str) -> str:
    """Write a value on one line: a second one could pass for a line of the portal's own."""
    return plain_text.cut(plain_text.marked(plain_text.one_line(text)), MOST_CHARACTERS)


def review_url(proposal: Proposal) -> str:
    """Return the whole address of the review page."""
    return site_url(reverse("admin:approvals_proposal_change", args=[proposal.pk]))


def site_url(path: str) -> str:
    """Return the whole address of a page of the portal."""
    return f"{settings.SITE_URL}{path}"

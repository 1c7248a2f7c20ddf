"""Lives that proposals of a past have led: lived once through the use cases, to be copied."""

from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import connection

from approvals.lifecycle import escalation, review, submission
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.submission import NewProposal
from approvals.models import OPEN, Decision, Proposal, Timer
from approvals.notices import occasions
from approvals.shipping import claims, dispatches
from approvals.trust import counts
from bench import data
from policies.models import Agent, Connector, Mandate

SERIAL: Final = "serial-0000000000"
AGENT: Final = "agent-000"
SURFACE: Final = "ads.budget-00"
"""These three stand in every life, and in each copy of it a serial, an agent and a surface of its own."""
EDITOR: Final = "editor"
ROLES: Final = (data.OWNER, "Marketing manager", "Finance")


class Life(NamedTuple):
    """One proposal that has lived, and how many of a hundred led such a life."""

    proposal: UUID
    share: int
    waits: bool = False


def make_world(*, agents: int, surfaces: int) -> User:
    """Make a portal in an empty one: agents with mandates for surfaces like the sample one, and people."""
    data.make_portal(surfaces=map(surface_name, range(surfaces)))
    owner = User.objects.get(username="agent-owner")
    for number in range(agents):
        agent = Agent.objects.create(slug=agent_name(number), name=agent_name(number), owner=owner)
        for place in range(surfaces):
            Mandate.objects.create(agent=agent, surface_id=surface_name(place), tier_id="autopilot")
    make_person(EDITOR)
    return make_person("reviewer")


def make_person(name: str) -> User:
    """Make somebody who may decide on all that is proposed here."""
    person = User.objects.create_user(name, is_staff=True)
    person.groups.set(Group.objects.filter(name__in=ROLES))
    return person


def agent_name(number: int) -> str:
    """Return the slug and name of an agent."""
    return f"agent-{number:03}"


def surface_name(number: int) -> str:
    """Return the slug of a surface."""
    return f"ads.budget-{number:02}"


def live(person: User) -> list[Life]:
    """Live every life once, and count them towards trust."""
    lives = [Life(_shipped(person, number), 21) for number in range(4)]
    lives += [
        Life(_edited(person), 4),
        Life(_rejected(person), 5),
        Life(_withdrawn(), 3),
        Life(_expired(), 2),
        Life(_proposed("Waiting", 9).pk, 2, waits=True),
    ]
    while occasions.fan_out(most=500):
        pass
    counts.count_changed(most=100)
    # As the sweep does with what comes due and waits for nobody any more.
    Timer.objects.exclude(proposal__state__in=OPEN).update(due_at=None)
    return lives


def draft(serial: str, *, kind: str = "Proposed", number: int = 0, **fields: Any) -> NewProposal:
    """Return a proposal of budget on the first surface, with a target of its own; `kind` opens its title."""
    made = data.draft(1)
    payload = {**data.ACTION["payload"], "from": serial, "amount": 3000 + number}
    content = replace(made.content, payload=payload, amount=3000 + number, confidence=0.5 + number / 20)
    given = {"surface": SURFACE, "title": f"{kind}: move budget of {serial}", "targets": (f"campaign:{serial}",)}
    return replace(made, content=content, **{**given, **fields})


def _proposed(kind: str, number: int) -> Proposal:
    agent = Agent.objects.select_related("owner").get(pk=AGENT)
    # One target and one payload at a time, so that none of them is in conflict with another one.
    target = (f"campaign:{SERIAL}-{number}",)
    return submission.submit(agent=agent, draft=draft(SERIAL, kind=kind, number=number, targets=target))


def _approve(proposal: Proposal, person: User) -> None:
    seen = SeenRevision(proposal.revision.number, proposal.revision.digest)
    review.decide(proposal_id=proposal.pk, seen=seen, by=person, verdict=Decision.Verdict.APPROVE)


def _ship() -> None:
    claim = claims.claim_next(worker="bench", kind=Connector.Kind.WEBHOOK)
    assert claim is not None, "what was approved is due"
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True}, http_status=200)


def _shipped(person: User, number: int) -> UUID:
    proposal = _proposed("Shipped", number)
    _approve(proposal, person)
    _ship()
    return proposal.pk


def _edited(person: User) -> UUID:
    proposal = _proposed("Edited", 5)
    seen = SeenRevision(proposal.revision.number, proposal.revision.digest)
    payload = {**proposal.revision.payload, "amount": 2500}
    editor = User.objects.get(username=EDITOR)
    edited = review.edit(proposal_id=proposal.pk, seen=seen, by=editor, payload=payload, note="Less of it.")
    _approve(edited, person)
    _ship()
    return proposal.pk


def _rejected(person: User) -> UUID:
    proposal = _proposed("Rejected", 6)
    seen = SeenRevision(proposal.revision.number, proposal.revision.digest)
    review.decide(
        proposal_id=proposal.pk, seen=seen, by=person, verdict=Decision.Verdict.REJECT, reason_code="too_risky"
    )
    return proposal.pk


def _withdrawn() -> UUID:
    proposal = _proposed("Withdrawn", 7)
    submission.withdraw(agent=proposal.agent, proposal_id=proposal.pk)
    return proposal.pk


def _expired() -> UUID:
    proposal = _proposed("Expired", 8)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_proposal SET deadline_at = now() WHERE id = %s", [proposal.pk])
    assert escalation.expire_overdue(most=1), "its time is over"
    return proposal.pk

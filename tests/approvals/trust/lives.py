"""Proposals that live through everything that can happen to them, for trust to count."""

import random
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from approvals.lifecycle import review, submission
from approvals.models import Outcome, Proposal, Sample
from approvals.outcomes import reports
from approvals.shipping import claims, dispatches, recovery, sampling
from audit.clock import database_now
from policies.models import Tier
from tests import world as worlds
from tests.world import OWNER, World, seen

EXPECTED = {"metric": "CPA", "low": 10, "high": 16}
AUTOMATIC = "ads.feed"


def build() -> World:
    """Make a world with one more surface, where everything ships by itself and every second shipment is sampled."""
    world = worlds.build()
    Tier.objects.filter(pk="autopilot").update(sample_rate=0.5)
    world.surface(AUTOMATIC, "autopilot")
    worlds.person("reporter", OWNER, permissions=("report_outcome",))
    return world


def propose(world: World, chance: random.Random | None = None, surface: str = "ads.budget", **fields: Any) -> Proposal:
    confidence = 0.95 if chance is None else chance.choice([None, 0.3, 0.62, 0.9, 0.91, 0.999, 1.0])
    content = {"confidence": confidence, "rollback": {"amount": -4000}, **fields.pop("content", {})}
    return world.propose(surface, content=content, expected_outcome=EXPECTED, **fields)


def ship_all() -> None:
    while claim := claims.claim_next(worker="test", kind="webhook"):
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})


def report(proposal: Proposal, value: float = 12.0, kind: str = "measured", **words: Any) -> Outcome:
    return reports.report_as_person(
        proposal_id=proposal.pk, by=reporter(), kind=Outcome.Kind(kind), metric="CPA", value=value, unit="",
        observed_at=database_now(), note="Seen in the account.", **words,
    )  # fmt: skip


def report_by_agent(world: World, proposal: Proposal, value: float) -> Outcome:
    return reports.report_outcome(
        agent=world.agent,
        proposal_id=proposal.pk,
        metric="CPA",
        value=value,
        unit="",
        observed_at=database_now(),
        note="",
    )


def reporter() -> Any:
    return User.objects.get(username="reporter")


def roll_back(proposal: Proposal, by: Any) -> None:
    recovery.roll_back(proposal_id=proposal.pk, by=by, comment="Undo it.")
    ship_all()


class Lives:
    """Random steps, each through the use case a person or an agent would use."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = build()
        self.steps: list[Callable[[], object]] = [
            self.propose, self.propose, self.propose_automatic, self.approve, self.approve, self.reject, self.edit,
            self.send_back, self.take_over, self.withdraw, self.undo, self.ship, self.roll_back, self.report,
            self.incident, self.correct, self.judge,
        ]  # fmt: skip

    def step(self) -> None:
        self.chance.choice(self.steps)()

    def pick(self, *states: str, surface: str | None = None) -> Proposal | None:
        rows = Proposal.objects.filter(state__in=states).select_related("revision")
        found = list(rows.filter(surface=surface) if surface else rows)
        return self.chance.choice(found) if found else None

    def propose(self) -> None:
        model = self.chance.choice([None, {"name": "pacer", "version": "1"}, {"name": "pacer", "version": "2"}])
        propose(self.world, self.chance, model=model)

    def propose_automatic(self) -> None:
        propose(self.world, surface=AUTOMATIC)

    def decide(self, verdict: str, *states: str, **words: Any) -> None:
        proposal = self.pick(*(states or ("pending", "edited")), surface="ads.budget")
        if proposal is not None:
            # An edit that was rejected and undone is pending again, and its author still may not approve it.
            by = self.world.other_owner if proposal.revision.author_id else self.world.owner
            self.world.decide(proposal, verdict, by=by, is_signed=True, **{"comment": "Looked at.", **words})

    def approve(self) -> None:
        self.decide("approve")

    def reject(self) -> None:
        self.decide("reject", reason_code=self.chance.choice(["too_risky", "off_brand"]))

    def send_back(self) -> None:
        self.decide("send_back", "pending")

    def take_over(self) -> None:
        self.decide("take_over")

    def edit(self) -> None:
        proposal = self.pick("pending", surface="ads.budget")
        if proposal is not None:
            payload = {**proposal.revision.payload, "amount": self.chance.randrange(1, 4000)}
            review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=self.world.owner, payload=payload)

    def withdraw(self) -> None:
        if proposal := self.pick("pending"):
            submission.withdraw(agent=self.world.agent, proposal_id=proposal.pk)

    def undo(self) -> None:
        proposal = self.pick("rejected")
        if proposal is not None:
            review.undo(proposal_id=proposal.pk, by=self.world.owner)

    def ship(self) -> None:
        ship_all()

    def roll_back(self) -> None:
        proposal = self.pick("shipped", surface="ads.budget")
        if proposal is not None and proposal.revision.rollback_body is not None:
            roll_back(proposal, self.world.owner)

    def report(self) -> None:
        if proposal := self.pick("shipped", "rolled_back"):
            value = self.chance.choice([12.0, 40.0])
            report(proposal, value) if self.chance.random() < 0.5 else report_by_agent(self.world, proposal, value)

    def incident(self) -> None:
        if proposal := self.pick("shipped"):
            report(proposal, kind=self.chance.choice(["incident", "complaint"]))

    def correct(self) -> None:
        found = list(Outcome.objects.filter(correction__isnull=True).select_related("proposal"))
        if found:
            wrong = self.chance.choice(found)
            report(wrong.proposal, corrects=wrong.pk)

    def judge(self) -> None:
        found = list(Sample.objects.filter(opinion=""))
        if found:
            opinion = self.chance.choice(list(Sample.Opinion))
            sampling.judge(
                proposal_id=self.chance.choice(found).pk, by=self.world.owner, opinion=opinion, note="Looked at."
            )

"""A small portal to test in: the six tiers, three surfaces, one agent, and people in their roles."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.test import Client

from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.submission import NewProposal
from approvals.models import Proposal
from audit import canonical
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from policies.comparison import compare, is_loosening
from policies.models import (
    EVERYWHERE,
    Activation,
    Agent,
    Connector,
    KillSwitch,
    Loosening,
    Mandate,
    PolicyTest,
    PolicyVersion,
    Requirement,
    Surface,
    Tier,
)
from policies.publishing import publish as publishing_publish
from policies.publishing.gate import close_gate
from policies.publishing.snapshot import MATCH
from policies.registry import agreement, kill_switches, mandates
from policies.registry import bootstrap as bootstrapping
from tests.kept import kept

TIERS = (
    ("autopilot", 0, "out", "none", timedelta(0), 0.1),
    ("monitored", 10, "on", "none", timedelta(minutes=30), 0.0),
    ("batch", 20, "in", "batch", timedelta(0), 0.0),
    ("single", 30, "in", "single", timedelta(0), 0.0),
    ("signature", 40, "in", "signature", timedelta(0), 0.0),
    ("human_only", 50, "in", "human_only", timedelta(0), 0.0),
)
OWNER = "Channel owner"
DECIDING = ("view_proposal", "decide_proposal")


@dataclass
class World:
    agent: Agent
    connector: Connector
    owner: User
    other_owner: User
    surfaces: dict[str, Surface] = field(default_factory=dict)
    made: Iterator[int] = field(default_factory=count)

    def surface(self, slug: str, tier: str = "single", **fields: Any) -> Surface:
        """Add a surface with a mandate for the agent, and publish."""
        surface = self.unpublished_surface(slug, tier, **fields)
        publish()
        return surface

    def unpublished_surface(self, slug: str, tier: str = "single", **fields: Any) -> Surface:
        """Add a surface with a mandate for the agent."""
        surface = Surface.objects.create(
            slug=slug,
            name=slug,
            owner_id=OWNER,
            connector=self.connector,
            tier_id=tier,
            **{"floor_id": "autopilot", "senior_tier_id": "signature", "undo_window": timedelta(0), **fields},
        )
        self.surfaces[slug] = surface
        Mandate.objects.create(agent=self.agent, surface=surface, tier_id="autopilot")
        return surface

    @transaction.atomic
    def enforce(self, *, surfaces: dict[str, dict[str, Any]] | None = None, **parts: Any) -> PolicyVersion:
        """Put in force what the tables say, with other `rules`, `limits`, … and fields of some surfaces.

        Where that loosens anything, two people have agreed to it.
        """
        before = publishing_publish.active_version()
        rows = {**publishing_publish.document(), **parts}
        for slug, fields in (surfaces or {}).items():
            rows["surfaces"][slug] |= fields
        digest = canonical.digest(canonical.encode(rows))
        close_gate()
        at = database_now()
        version, _ = PolicyVersion.objects.get_or_create(digest=digest, defaults={"document": rows, "created_at": at})
        Activation.objects.create(version=version, at=at, by=None)
        subject = f"policy_version:{version.number}"
        data: dict[str, Any] = {"digest": digest}
        if before is not None and is_loosening(compare(before.document, rows)):
            data["loosening"] = agreed(subject, {"digest": digest}, base=before, at=at).pk
        entries.record("policy.activated", subject=subject, actor=SYSTEM, at=at, data=data)
        return version

    def propose(self, surface: str = "ads.budget", **fields: Any) -> Proposal:
        """Submit a proposal by the agent, through the use case. Without a payload of its own it is like no other."""
        number = next(self.made)
        unlike = {"payload": {"amount": 4000} | ({"serial": number} if number else {})}
        content = {**unlike, "confidence": 0.95, **fields.pop("content", {})}
        key = fields.pop("key", None)
        draft = {"action": "shift_budget", "title": "Move $4,000", **fields, "content": Content(**content)}
        return submission.submit(agent=self.agent, key=key, draft=NewProposal(surface=surface, **draft))

    def decide(self, proposal: Proposal, verdict: str, *, by: User | None = None, **words: Any) -> Proposal:
        """Let a channel owner decide on the current revision, through the use case."""
        current = Proposal.objects.select_related("revision").get(pk=proposal.pk)
        return review.decide(proposal_id=proposal.pk, seen=seen(current), by=by or self.owner, verdict=verdict, **words)

    def approve(self, proposal: Proposal, **words: Any) -> Proposal:
        return self.decide(proposal, "approve", **words)


def limit(*, kind: str = "rolling", seconds: float = 86400, time_zone: str = "UTC", **fields: Any) -> dict[str, Any]:
    """Return one limit as a published document has it: at most 20 proposals a day, or else it denies."""
    window = {"kind": kind, "length_seconds": seconds if kind == "rolling" else 0, "time_zone": time_zone}
    row = {"surfaces": [], "agents": [], "measure": "count", "per": "surface", "limit": 20, "effect": "deny"}
    return {
        **row,
        "tier": None,
        "warning": None,
        "warning_effect": "flag",
        "warning_tier": None,
        "window": window,
    } | fields


def rule(condition: str = "", decision: str = "require_approval", **fields: Any) -> dict[str, Any]:
    """Return one rule as a published document has it: it matches everything."""
    match: dict[str, Any] = {name: [] for name in MATCH}
    row = {"condition": condition, "decision": decision, "tier": None, "requirements": None, "reason": ""}
    return {**match, **row} | fields


def seen(proposal: Proposal) -> SeenRevision:
    return SeenRevision(proposal.revision.number, proposal.revision.digest)


def person(name: str, *roles: str, permissions: tuple[str, ...] = ()) -> User:
    """Make a member of staff who holds `roles`, each of which may see and decide."""
    user = User.objects.create_user(name, password="a long enough password", is_staff=True)
    for role in roles:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*Permission.objects.filter(codename__in=DECIDING))
        user.groups.add(group)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return user


PUBLISHING = ("ask_loosening", "agree_loosening", "release_killswitch")


def publishers() -> tuple[User, User]:
    """Two people who may loosen the policy together."""
    known = User.objects.in_bulk(["publisher", "second-publisher"], field_name="username")
    first, second = (
        known.get(name) or person(name, permissions=PUBLISHING) for name in ("publisher", "second-publisher")
    )
    return first, second


def trust(agent: str, surface: str, tier: str) -> None:
    """Let one person ask for less oversight of an agent, and another agree."""
    first, second = publishers()
    given = mandates.give(
        agent=Agent.objects.get(pk=agent),
        surface=Surface.objects.get(pk=surface),
        tier=Tier.objects.get(pk=tier),
        by=first,
        note="It has earned it.",
    )
    assert isinstance(given, Loosening)
    agreement.agree(loosening_id=given.pk, by=second)


def agreed(subject: str, change: dict[str, Any], *, base: PolicyVersion, at: datetime) -> Loosening:
    """Make the record of a publication to which a second person has agreed."""
    first, second = publishers()
    return Loosening.objects.create(
        kind=Loosening.Kind.PUBLISH,
        subject=subject,
        change=change,
        base=base,
        status=Loosening.Status.DONE,
        asked_by=first,
        asked_by_name=first.username,
        asked_at=at,
        answered_by=second,
        answered_by_name=second.username,
        answered_at=at,
    )


def publish() -> PolicyVersion:
    """Put what the tables say in force, as two people do it."""
    first, second = publishers()
    done = publishing_publish.publish(by=first, note="For a test.")
    if done.asked is not None:
        agreed = agreement.agree(loosening_id=done.asked.pk, by=second)
        assert agreed.status == "done"
    version = publishing_publish.active_version()
    assert version is not None
    return version


def release(scope: str) -> None:
    """Release a kill switch, as two people do it."""
    first, second = publishers()
    asked = kill_switches.ask_release(scope=scope, by=first, note="It is over.")
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "done"


@kept
def build(receiver_url: str = "http://127.0.0.1:9/hooks") -> World:
    """Build the world; with the defaults, `ads.budget` is reviewed one by one and ships at once."""
    KillSwitch.objects.get_or_create(scope=EVERYWHERE)
    for slug, rank, posture, kind, hold, rate in TIERS:
        Tier.objects.create(slug=slug, name=slug, rank=rank, posture=posture, review=kind, hold=hold, sample_rate=rate)
    owner = person("channel-owner", OWNER)
    other = person("other-channel-owner", OWNER)
    agent = Agent.objects.create(
        slug="pacer", name="Budget pacer", owner=person("agent-owner", OWNER), callback_secret="whsec_" + "A" * 43 + "="
    )
    connector = Connector.objects.create(slug="ads", kind="webhook", url=receiver_url, secret="whsec_" + "B" * 43 + "=")
    world = World(agent=agent, connector=connector, owner=owner, other_owner=other)
    world.unpublished_surface("ads.budget", "single")
    world.unpublished_surface("email.lifecycle", "monitored")
    world.unpublished_surface("pricing", "signature")
    publishing_publish.put_in_force()
    return world


bootstrap = kept(bootstrapping.bootstrap)


def sample_roles() -> None:
    """Make the roles that come with the portal, and nothing else of the samples."""
    for _ in bootstrapping._roles():
        pass


def policy_test(slug: str, facts: dict[str, Any], outcome: str) -> None:
    """Add a test of the policy to the draft."""
    PolicyTest.objects.create(slug=slug, facts=facts, outcome=outcome)


def requirement(surface: str, role: str, **fields: Any) -> None:
    """Add a requirement to the draft."""
    Group.objects.get_or_create(name=role)
    Requirement.objects.create(surface_id=surface, name=role, role_id=role, **fields)


def signed_in(person: User) -> Client:
    """Return the browser of somebody who is signed in."""
    client = Client()
    client.force_login(person)
    return client

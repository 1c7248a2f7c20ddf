"""Mandates of agents: where they may propose, with how much oversight at least. The only writer of Mandate.

Every agent starts in the loop: a first mandate with which people decide acts at once, and so does one that is
lowered (more oversight). Less oversight needs two people: a first mandate that is automatic, and a new one that is
looser than what the agent has on the surface, or had there before and lost.
"""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from audit.models import Entry
from policies.actors import actor
from policies.models import Agent, Loosening, Mandate, Surface, Tier
from policies.publishing import loosenings
from policies.publishing.gate import close_gate
from policies.publishing.loosenings import LooseningRefused
from policies.publishing.publish import active_policy


@transaction.atomic
def give(*, agent: Agent, surface: Surface, tier: Tier, by: User, note: str = "") -> Mandate | Loosening:
    """Give `agent` a mandate on `surface` with `tier` as its least oversight, or ask for it where that loosens.

    Returns the mandate as it is now, or the request that waits for a second person. Raises NotAllowed, or
    LooseningRefused without a note or where it was asked already.
    """
    loosenings.one_at_a_time()
    close_gate()
    there = Mandate.objects.select_for_update().filter(agent=agent, surface=surface).select_related("tier").first()
    tiers = _tiers()
    least = _least(agent, surface, there, tiers)
    if _is_looser(tier.pk, least, tiers):
        loosenings.require(by, loosenings.ASK)
        return loosenings.ask(
            kind=Loosening.Kind.MANDATE,
            subject=_subject(agent, surface),
            change={"agent": agent.pk, "surface": surface.pk, "from": least, "to": tier.pk},
            by=by,
            note=note,
        )
    if there is not None and there.tier_id == tier.pk:
        return there
    return _write(agent, surface, tier, by=by, was=there)


def raise_as_asked(loosening: Loosening, by: User) -> bool:
    """Give the mandate that was asked for, if the one it was compared with is still what it was."""
    close_gate()
    change = loosening.change
    agent, surface = Agent.objects.get(pk=change["agent"]), Surface.objects.get(pk=change["surface"])
    there = Mandate.objects.select_for_update().filter(agent=agent, surface=surface).select_related("tier").first()
    least = _least(agent, surface, there, _tiers())
    tier = Tier.objects.filter(pk=change["to"]).first()
    if tier is None or least != change["from"]:
        return False
    _write(agent, surface, tier, by=by, was=there, loosening=loosening.pk)
    return True


@transaction.atomic
def take_away(*, mandate: Mandate, by: User) -> None:
    """Take a mandate away, at once. What it was is remembered, so that giving it back looser takes two people."""
    close_gate()
    mandate = Mandate.objects.select_for_update().select_related("agent", "surface").get(pk=mandate.pk)
    _record("taken_away", mandate.agent, mandate.surface, by=by, tier=mandate.tier_id)
    mandate.delete()


@transaction.atomic
def fall_back(*, agent: str, surface: str, held: str, why: str) -> Mandate | None:
    """Take an agent (slugs) back to one-by-one review, at once and by itself, where its mandate is still `held`.

    Returns the mandate as it is now; None where somebody has changed it, or it is no stricter that way. Nobody has to
    agree, since this only tightens; giving it back takes two people.
    """
    close_gate()
    mandate = (
        Mandate.objects.select_for_update(of=("self",))
        .filter(agent=agent, surface=surface, tier=held)
        .select_related("agent", "surface")
        .first()
    )
    single = active_policy().single
    if mandate is None or single is None or not _is_looser(held, single.slug, _tiers()):
        return None
    mandate.tier_id = single.slug
    mandate.save()
    _record("given", mandate.agent, mandate.surface, by=None, tier=single.slug, before=held, why=why)
    return mandate


def first(*, agent: Agent, surface: Surface, tier: Tier) -> Mandate:
    """Give an agent that is being registered a mandate; the entry of its registration tells of it.

    Raises LooseningRefused for an automatic tier: nobody gives that alone.
    """
    tiers = _tiers()
    start = _starting(tiers)
    if _is_looser(tier.pk, start, tiers):
        raise LooseningRefused(
            _("Every agent starts in the loop. Begin with %(start)s, then ask for %(tier)s: a second person agrees.")
            % {"start": start, "tier": tier.pk}
        )
    return Mandate.objects.create(agent=agent, surface=surface, tier=tier)


def _write(
    agent: Agent, surface: Surface, tier: Tier, *, by: User, was: Mandate | None, loosening: int | None = None
) -> Mandate:
    mandate = was or Mandate(agent=agent, surface=surface)
    before = mandate.tier_id if was else ""
    mandate.tier = tier
    mandate.save()
    more = {} if loosening is None else {"loosening": loosening}
    _record("given", agent, surface, by=by, tier=tier.pk, before=before, **more)
    return mandate


Strictness = tuple[bool, int]
"""Whether people decide, and the rank."""


def _tiers() -> Mapping[str, Strictness]:
    """Return the tiers as they are in force; as the tables have them while no policy was ever published.

    Not as drafted: or one person could draft a tier as strict, give it, and take the draft back.
    """
    if published := active_policy().tiers:
        return {slug: (not tier.is_automatic, tier.rank) for slug, tier in published.items()}
    return {row.pk: (row.posture == Tier.Posture.IN, row.rank) for row in Tier.objects.all()}


def _is_looser(tier: str, than: str, tiers: Mapping[str, Strictness]) -> bool:
    if tier not in tiers:
        raise LooseningRefused(_("The tier %s is a draft. Publish it first.") % tier)
    # What it is compared with may have left the policy since: then nobody knows how strict it was.
    return than not in tiers or tiers[tier] < tiers[than]


def _starting(tiers: Mapping[str, Strictness]) -> str:
    """Return the mildest tier with which people decide: the least oversight that one person gives."""
    reviewed = {slug: strictness for slug, strictness in tiers.items() if strictness[0]}
    return min(reviewed, key=lambda slug: (reviewed[slug], slug), default="")


def _least(agent: Agent, surface: Surface, there: Mandate | None, tiers: Mapping[str, Strictness]) -> str:
    """Return the oversight that another mandate is compared with."""
    return there.tier_id if there else _lost(agent, surface) or _starting(tiers)


def _lost(agent: Agent, surface: Surface) -> str:
    """Return the least oversight of the mandate that was taken away last, if any was."""
    lost = Entry.objects.filter(subject=f"agent:{agent.pk}", kind="mandate.taken_away", data__surface=surface.pk)
    taken = lost.order_by("-id").first()
    return "" if taken is None else str(taken.data["tier"])


def _subject(agent: Agent, surface: Surface) -> str:
    return f"mandate:{agent.pk}:{surface.pk}"


def _record(what: str, agent: Agent, surface: Surface, *, by: User | None, **data: str | int) -> None:
    entry_data = {"surface": surface.pk, **data}
    entries.record(f"mandate.{what}", subject=f"agent:{agent.pk}", actor=actor(by), at=database_now(), data=entry_data)

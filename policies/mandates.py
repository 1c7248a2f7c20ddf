"""What agents may propose where, with how much oversight at least. The only writer of Mandate.

A first mandate and one that is lowered (more oversight) act at once. Less oversight needs two people; and so
does a new mandate that is looser than one which the agent had on the surface before and lost.
"""

from django.contrib.auth.models import User
from django.db import transaction

from audit import ledger
from audit.clock import database_now
from audit.models import Entry
from policies import loosenings
from policies.models import Agent, Loosening, Mandate, Surface, Tier
from policies.people import actor


@transaction.atomic
def give(*, agent: Agent, surface: Surface, tier: Tier, by: User, note: str = "") -> Mandate | Loosening:
    """Give `agent` a mandate on `surface` with `tier` as its least oversight, or ask for it where that loosens.

    Returns the mandate as it is now, or the request that waits for a second person. Raises NotAllowed, or
    LooseningRefused without a note or where it was asked already.
    """
    loosenings.one_at_a_time()
    there = Mandate.objects.select_for_update().filter(agent=agent, surface=surface).select_related("tier").first()
    least = there.tier if there else _lost(agent, surface)
    if least is not None and _is_looser(tier, least):
        loosenings.require(by, loosenings.ASK)
        return loosenings.ask(
            kind=Loosening.Kind.MANDATE,
            subject=_subject(agent, surface),
            change={"agent": agent.pk, "surface": surface.pk, "from": least.pk, "to": tier.pk},
            by=by,
            note=note,
        )
    if there is not None and there.tier_id == tier.pk:
        return there
    return _write(agent, surface, tier, by=by, was=there)


def raise_as_asked(asked: Loosening, by: User) -> bool:
    """Give the mandate that was asked for, if the one it was compared with is still what it was."""
    change = asked.change
    agent, surface = Agent.objects.get(pk=change["agent"]), Surface.objects.get(pk=change["surface"])
    there = Mandate.objects.select_for_update().filter(agent=agent, surface=surface).select_related("tier").first()
    least = there.tier if there else _lost(agent, surface)
    tier = Tier.objects.filter(pk=change["to"]).first()
    if least is None or tier is None or least.pk != change["from"]:
        return False
    _write(agent, surface, tier, by=by, was=there, loosening=asked.pk)
    return True


@transaction.atomic
def take_away(*, mandate: Mandate, by: User) -> None:
    """Take a mandate away, at once. What it was is remembered, so that giving it back looser takes two people."""
    mandate = Mandate.objects.select_for_update().select_related("agent", "surface").get(pk=mandate.pk)
    _record("taken_away", mandate.agent, mandate.surface, by=by, tier=mandate.tier_id)
    mandate.delete()


def first(*, agent: Agent, surface: Surface, tier: Tier) -> Mandate:
    """Give an agent that is being registered a mandate; the entry of its registration tells of it."""
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


def _is_looser(tier: Tier, than: Tier) -> bool:
    def strictness(row: Tier) -> tuple[bool, int]:
        return row.posture == Tier.Posture.IN, row.rank

    return strictness(tier) < strictness(than)


def _lost(agent: Agent, surface: Surface) -> Tier | None:
    """Return the least oversight of the mandate that was taken away last, if any was."""
    lost = Entry.objects.filter(subject=f"agent:{agent.pk}", kind="mandate.taken_away", data__surface=surface.pk)
    taken = lost.order_by("-id").first()
    return None if taken is None else Tier.objects.filter(pk=taken.data["tier"]).first()


def _subject(agent: Agent, surface: Surface) -> str:
    return f"mandate:{agent.pk}:{surface.pk}"


def _record(what: str, agent: Agent, surface: Surface, *, by: User, **data: str | int) -> None:
    told = {"surface": surface.pk, **data}
    ledger.record(f"mandate.{what}", subject=f"agent:{agent.pk}", actor=actor(by), at=database_now(), data=told)

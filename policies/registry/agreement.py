"""Second agreement to less oversight, after which it happens: one door for every kind."""

from collections.abc import Callable, Mapping
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from policies.accounts import rights, tuning
from policies.models import Agent, Loosening
from policies.publishing import loosenings, publish
from policies.publishing.loosenings import NotAllowed
from policies.registry import agents, connectors, kill_switches, mandates
from policies.registry.standing import approvals as standing_approvals

Kind = Loosening.Kind

_ACTS: Final[Mapping[str, Callable[[Loosening, User], bool]]] = {
    Kind.PUBLISH: publish.publish_as_asked,
    Kind.ACTIVATE: publish.activate_as_asked,
    Kind.MANDATE: mandates.raise_as_asked,
    Kind.RELEASE: kill_switches.release_as_asked,
    Kind.AGENT: agents.activate_as_asked,
    Kind.OWNER: agents.hand_over_as_asked,
    Kind.KEY: agents.permit_key_as_asked,
    Kind.PERSON: rights.give_as_asked,
    Kind.ROLE: rights.give_role_as_asked,
    Kind.TUNING: tuning.give_as_asked,
    Kind.ADDRESS: connectors.redirect_as_asked,
    Kind.STANDING: standing_approvals.give_as_asked,
}
"""Each does what was asked and returns True, or returns False where it is not the same any more."""


@transaction.atomic
def agree(*, loosening_id: int, by: User) -> Loosening:
    """Agree to what somebody else asked for, and let it happen in the same transaction.

    Nothing happens, and the request is OUTDATED, where what it was about has changed meanwhile or anyone who
    asked may not sign in any more. Raises NotAllowed for the person who asked, and for who is behind the agent that
    would be trusted more; and LooseningRefused for what was answered already.
    """
    loosenings.one_at_a_time()
    loosening = loosenings.lock_to_agree(loosening_id, by=by)
    _require_distance(loosening, by)
    happened = loosening.asked_by.is_active and _ACTS[loosening.kind](loosening, by)
    loosenings.settle(loosening, Loosening.Status.DONE if happened else Loosening.Status.OUTDATED, by=by)
    return loosening


def _require_distance(loosening: Loosening, by: User) -> None:
    """Raise NotAllowed for who owns the agent that is to be trusted more, or issued a key that it uses."""
    agent = Agent.objects.filter(pk=_trusted(loosening)).first()
    if agent is None:
        return
    if agent.owner_id == by.pk or agents.keys_in_use().filter(agent=agent, created_by=by).exists():
        raise NotAllowed(_("You answer for this agent, so someone else has to agree."))


def _trusted(loosening: Loosening) -> str:
    """Return the slug of the agent that may do more once this is agreed to; empty where it is about no one agent."""
    match loosening.kind:
        case Kind.MANDATE | Kind.AGENT | Kind.STANDING:
            return str(loosening.change["agent"])
        case Kind.RELEASE:
            what, _colon, slug = str(loosening.change["scope"]).partition(":")
            return slug if what == "agent" else ""
    return ""

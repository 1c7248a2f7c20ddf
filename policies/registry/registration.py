"""Register agents with their mandates and their first key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models import Agent, Connector, Surface, Tier
from policies.publishing.loosenings import LooseningRefused
from policies.registry import agents, mandates
from policies.registry.agents import IssuedKey

_HOST_LENGTH: Final = 253


class RegistrationRefused(ValueError):
    """The agent cannot be registered like this; nothing was written. `str()` is a sentence for people."""

    code = "registration_refused"


class AgentExists(RegistrationRefused):
    """There is an agent of this slug already."""

    code = "agent_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What is asked for: `mandates` maps a surface's slug to the slug of the least oversight there.

    It begins in the loop; an automatic tier is asked for afterwards, with `mandates.give`.
    """

    slug: str
    owner: User
    mandates: Mapping[str, str]
    name: str = ""
    model: str = ""
    callback_hosts: Sequence[str] = ()
    callback_secret: str = ""
    executes: Sequence[str] = ()
    """Slugs of pull connectors that are to be made for this agent to fetch work from."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A new agent and its first key."""

    agent: Agent
    key: IssuedKey


@transaction.atomic
def register(application: Application, *, by: User | None) -> Registered:
    """Register an agent with its mandates and its first API key.

    Without `by`, the machine itself does it, and issues the key in the owner's name. Raises AgentExists, or
    RegistrationRefused naming the surface, tier, connector or field that is wrong; and KeyOfAnother where `by` is not
    to be the owner.
    """
    if Agent.objects.filter(slug=application.slug).exists():
        raise AgentExists(f"There is an agent {application.slug} already.")
    agent = Agent(
        slug=application.slug,
        name=application.name or application.slug,
        owner=application.owner,
        model=application.model,
        callback_hosts=_hosts(application.callback_hosts),
        callback_secret=application.callback_secret,
    )
    try:
        agent.full_clean()
    except ValidationError as error:
        raise RegistrationRefused("; ".join(error.messages)) from error
    agent.save(force_insert=True)
    _give_mandates(agent, application.mandates)
    for connector in application.executes:
        _give_connector(agent, connector)
    entries.record(
        "agent.registered",
        subject=f"agent:{agent.slug}",
        actor=actor(by),
        at=database_now(),
        data={
            "owner": f"user:{application.owner.pk}",
            "mandates": dict(application.mandates),
            "executes": list(application.executes),
        },
    )
    return Registered(agent, agents.issue_key(agent=agent, by=by))


def _hosts(hosts: Sequence[str]) -> list[str]:
    cleaned = [host.strip().lower() for host in hosts]
    for host in cleaned:
        if not host or len(host) > _HOST_LENGTH or any(mark in host for mark in "/@? "):
            raise RegistrationRefused(f"{host!r} is no host name. Leave scheme, port and path away.")
    return list(dict.fromkeys(cleaned))


def _give_mandates(agent: Agent, wanted: Mapping[str, str]) -> None:
    surfaces, tiers = Surface.objects.in_bulk(), Tier.objects.in_bulk()
    for surface, tier in wanted.items():
        if surface not in surfaces:
            raise RegistrationRefused(f"There is no surface {surface}. {_there_are(surfaces)}")
        if tier not in tiers:
            raise RegistrationRefused(f"There is no tier {tier}. {_there_are(tiers)}")
        try:
            mandates.first(agent=agent, surface=surfaces[surface], tier=tiers[tier])
        except LooseningRefused as refusal:
            raise RegistrationRefused(f"{surface}: {refusal}") from refusal


def _give_connector(agent: Agent, slug: str) -> None:
    if Connector.objects.filter(slug=slug).exists():
        raise RegistrationRefused(f"There is a connector {slug} already; change its executor in the admin.")
    connector = Connector(slug=slug, kind=Connector.Kind.PULL, executor=agent)
    try:
        connector.full_clean()
    except ValidationError as error:
        raise RegistrationRefused("; ".join(error.messages)) from error
    connector.save(force_insert=True)


def _there_are(slugs: Mapping[object, object]) -> str:
    if not slugs:
        return "There is none yet: run manage.py bootstrap."
    return f"There are: {', '.join(sorted(map(str, slugs)))}."

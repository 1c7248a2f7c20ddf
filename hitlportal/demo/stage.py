"""Set the stage: people, agents and their keys, the executor's connector, a short hold."""

import secrets
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from hitlportal.demo.memory import Memory
from hitlportal.demo.scenario.cast import AGENTS, Cast
from policies.models import Agent, Connector, Escalation, Loosening, Requirement, Surface, Tier
from policies.publishing import publish
from policies.registry import agents, agreement, mandates, registration, signing_secrets
from policies.registry.bootstrap import CONNECTOR, make_missing
from policies.registry.registration import Application

MANAGER: Final = "manager"
PRODUCT: Final = "product"
FINANCE: Final = "finance"
EXECUTIVE: Final = "executive"
COMPLIANCE: Final = "compliance"
ADMIN: Final = "admin"
HELD: Final = "monitored"
PRICES: Final = "pricing.catalog"
PRODUCT_ROLE: Final = "Product"
FINANCE_ROLE: Final = "Finance"
EXECUTIVE_ROLE: Final = "Executive"
# Nobody answers: of the 72 hours that people have for a price, four pass before the Executive is called.
CALLED_AFTER: Final = timedelta(hours=4)
# The manager holds a role on every sample surface, so that one person can try everything; but a price wants two.
PEOPLE: Final = {
    MANAGER: ("Marketing manager", "Channel owner", "Team lead", PRODUCT_ROLE),
    PRODUCT: (PRODUCT_ROLE,),
    FINANCE: (FINANCE_ROLE,),
    EXECUTIVE: (EXECUTIVE_ROLE,),
    COMPLIANCE: ("Compliance",),
    ADMIN: ("Portal admin",),
}
MAIL_DOMAIN: Final = "shop.example"
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@transaction.atomic
def prepare(memory: Memory, *, hold: timedelta, undo: timedelta) -> timedelta:
    """Make what is missing, and let `memory` fit it: logins and keys that work. Return the hold in force.

    `hold` replaces the hold of the tier `monitored` and `undo` the undo window of prices, so that nobody waits
    long; but only in the first policy there is. Later they would be less oversight, and take two people here as
    anywhere.
    """
    executor = f"http://127.0.0.1:{memory.executor_port}/actions"
    make_missing(connector_url=executor, connector_secret=signing_secrets.new())
    _product_role()
    for username in PEOPLE:
        _person(username, memory)
    # Not before: what asks for people cannot be published while there are none.
    if publish.active_version() is None:
        monitored = Tier.objects.get(slug=HELD)
        monitored.hold = hold
        monitored.save()
        _prices(undo)
        publish.put_in_force()
    owner = User.objects.get(username=ADMIN)
    for cast in AGENTS:
        _agent(cast, owner, memory)
    _connector(executor, memory)
    return publish.active_policy().tiers[HELD].hold


def _prices(undo: timedelta) -> None:
    """Have two different people sign prices, one of Product and one of Finance; else the Executive is called."""
    prices = Surface.objects.get(pk=PRICES)
    prices.undo_window, prices.distinct_people = undo, True
    prices.save()
    for name in (PRODUCT_ROLE, FINANCE_ROLE):
        Requirement.objects.create(surface=prices, name=name, role_id=name)
    Escalation.objects.create(surface=prices, level=1, role_id=EXECUTIVE_ROLE, after=CALLED_AFTER, widens=True)


def _product_role() -> None:
    """Add a role to those that come with the portal; it may do what Finance may."""
    role, is_made = Group.objects.get_or_create(name=PRODUCT_ROLE)
    if not is_made:
        return
    permissions = Group.objects.get(name=FINANCE_ROLE).permissions.select_related("content_type")
    role.permissions.set(permissions)
    codes = sorted(f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions)
    entries.record(
        "role.made",
        subject=f"role:{role.name}",
        actor=entries.SYSTEM,
        at=database_now(),
        data={"permissions": [*codes]},
    )


def _person(username: str, memory: Memory) -> None:
    person, is_made = User.objects.get_or_create(username=username)
    password = memory.passwords.setdefault(username, _password())
    if is_made or not person.check_password(password):
        person.set_password(password)
    person.email = f"{username}@{MAIL_DOMAIN}"
    person.is_staff = person.is_active = True
    person.save()
    person.groups.set(Group.objects.filter(name__in=PEOPLE[username]))


def _agent(cast: Cast, owner: User, memory: Memory) -> None:
    agent = Agent.objects.filter(slug=cast.slug).first()
    if agent is None:
        application = Application(
            slug=cast.slug,
            name=cast.name,
            model=cast.model,
            owner=owner,
            mandates=cast.mandates,
            callback_secret=signing_secrets.new(),
        )
        registered = registration.register(application, by=owner)
        memory.keys[cast.slug] = registered.key.text
        _trust(registered.agent, cast, asking=owner)
        return
    key = agents.authenticate(memory.keys.get(cast.slug, ""))
    if key is None or key.agent_id != cast.slug:
        # The demo lost its memory: the old keys are of no use to anybody.
        for lost in agents.live_keys().filter(agent=agent):
            agents.revoke_key(key=lost, by=owner)
        memory.keys[cast.slug] = agents.issue_key(agent=agent, by=owner).text


def _trust(agent: Agent, cast: Cast, *, asking: User) -> None:
    """Let one person ask for the mandates it has earned, and another agree."""
    for surface, tier in cast.earned.items():
        asked = mandates.give(
            agent=agent,
            surface=Surface.objects.get(pk=surface),
            tier=Tier.objects.get(pk=tier),
            by=asking,
            note=_("For the demo: what it drafts may ship after a hold."),
        )
        if isinstance(asked, Loosening):
            agreement.agree(loosening_id=asked.pk, by=User.objects.get(username=EXECUTIVE))


def _connector(url: str, memory: Memory) -> None:
    connector = Connector.objects.get(slug=CONNECTOR)
    if connector.url != url:
        connector.url = url
        connector.save()
    memory.executor_secret, memory.audience = connector.secret, connector.slug


def _password() -> str:
    parts = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
    return "-".join(parts)

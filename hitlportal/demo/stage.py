"""Set the stage: people, agents and their keys, the executor's connector, a short hold."""

import secrets
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils.translation import gettext as _

from hitlportal.demo.memory import Memory
from hitlportal.demo.scenario.cast import AGENTS, Cast
from policies.models import Agent, Connector, Escalation, Limit, Loosening, PolicyTest, Rule, Surface, Tier
from policies.publishing import publish
from policies.registry import agents, agreement, mandates, registration, signing_secrets, starter
from policies.registry.bootstrap import CONNECTOR, make_missing
from policies.registry.registration import Application

MANAGER: Final = "manager"
PRODUCT: Final = "product"
FINANCE: Final = "finance"
LEGAL: Final = "legal"
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
WEEKLY_BUDGET: Final = 43_000
ADDS_UP: Final = "budget-adds-up"
ADDS_UP_TEST: Final = "budget-adds-up-to-a-large-move"
WEEK: Final = "budget-in-a-week"
MOST_IN_A_WEEK: Final = 1_000_000
# The manager holds a role on every sample surface, so that one person can try everything; but a price wants two.
PEOPLE: Final = {
    MANAGER: ("Marketing manager", "Marketing head", "Channel owner", "Team lead", PRODUCT_ROLE),
    PRODUCT: (PRODUCT_ROLE,),
    FINANCE: (FINANCE_ROLE,),
    LEGAL: ("Legal",),
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
    make_missing(connector_url=executor, connector_secret=signing_secrets.new(), weekly_budget=WEEKLY_BUDGET)
    for username in PEOPLE:
        _person(username, memory)
    # Not before: what asks for people cannot be published while there are none.
    if publish.active_version() is None:
        monitored = Tier.objects.get(slug=HELD)
        monitored.hold = hold
        monitored.save()
        starter.make_missing()
        _prices(undo)
        _pace()
        publish.put_in_force()
    owner = User.objects.get(username=ADMIN)
    for cast in AGENTS:
        _agent(cast, owner, memory)
    _connector(executor, memory)
    return publish.active_policy().tiers[HELD].hold


def _prices(undo: timedelta) -> None:
    """Let prices ship soon, and call the Executive where Product or Finance do not answer."""
    prices = Surface.objects.get(pk=PRICES)
    prices.undo_window = undo
    prices.save()
    Escalation.objects.create(surface=prices, level=1, role_id=EXECUTIVE_ROLE, after=CALLED_AFTER, widens=True)


def _pace() -> None:
    """Let budgets move at the demo's pace: an hour of it moves more than a company does in a week."""
    PolicyTest.objects.get(pk=ADDS_UP_TEST).delete()
    adds_up = Rule.objects.get(pk=ADDS_UP)
    adds_up.is_enabled = False
    adds_up.save()
    week = Limit.objects.get(pk=WEEK)
    week.limit = MOST_IN_A_WEEK
    week.save()


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
        for lost in agents.keys_in_use().filter(agent=agent):
            agents.revoke_key(key=lost, by=owner)
        memory.keys[cast.slug] = agents.issue_key(agent=agent, by=owner).text


def _trust(agent: Agent, cast: Cast, *, asking: User) -> None:
    """Let one person ask for the mandates it has earned, and another agree."""
    for surface, tier in cast.earned.items():
        loosening = mandates.give(
            agent=agent,
            surface=Surface.objects.get(pk=surface),
            tier=Tier.objects.get(pk=tier),
            by=asking,
            note=_("For the demo: what it drafts may ship after a hold."),
        )
        if isinstance(loosening, Loosening):
            agreement.agree(loosening_id=loosening.pk, by=User.objects.get(username=EXECUTIVE))


def _connector(url: str, memory: Memory) -> None:
    connector = Connector.objects.get(slug=CONNECTOR)
    if connector.url != url:
        connector.url = url
        connector.save()
    memory.executor_secret, memory.audience = connector.secret, connector.slug


def _password() -> str:
    parts = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
    return "-".join(parts)

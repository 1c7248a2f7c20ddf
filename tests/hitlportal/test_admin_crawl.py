"""Every address of the admin, by every kind of person, with every method."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from approvals.lifecycle import batches
from approvals.models import (
    Absence,
    Assignment,
    Attempt,
    Callback,
    Decision,
    DecisionToken,
    Dispatch,
    Notice,
    NoticeDelivery,
    NoticeRule,
    Outcome,
    OutsideAddress,
    Proposal,
    Revision,
    Sample,
    SavedFilter,
    SlackLink,
    Snooze,
    Timer,
)
from approvals.notices import occasions
from approvals.shipping import claims, dispatches
from audit.models import Entry
from policies.accounts import tuning
from policies.models import (
    Activation,
    Agent,
    ApiKey,
    Calendar,
    Connector,
    Escalation,
    Guardrail,
    KillSwitch,
    Limit,
    Loosening,
    Mandate,
    PolicyTest,
    PolicyVersion,
    Requirement,
    Rule,
    Surface,
    Tier,
    Tuning,
)
from policies.registry import agents, agreement, bootstrap
from tests import world as worlds
from tests.kept import kept
from tests.world import World

pytestmark = pytest.mark.django_db

SECRET = "Nobody-else-reads-this-71"
# A visit to every address takes minutes on a busy machine; each test visits every fourth.
PARTS = 4
METHODS = ("get", "head", "post", "put", "delete")
SAFE = ("get", "head")
GOVERNED = (
    Proposal, Revision, Decision, Dispatch, Attempt, Callback, Outcome, Entry, PolicyVersion, Activation, KillSwitch,
    Surface, Tier, Agent, ApiKey, Mandate, Connector, Rule, Limit, Guardrail, Requirement, PolicyTest, Loosening,
    User, Group, Sample, Snooze, Assignment, SavedFilter, Notice, NoticeDelivery, NoticeRule, OutsideAddress,
    DecisionToken, SlackLink,
    Absence, Timer, Calendar, Escalation, Tuning,
)  # fmt: skip


@pytest.fixture
@kept
def world() -> World:
    """A portal with something of everything, all of it on surfaces of the channel owner."""
    world = worlds.build()
    bootstrap.bootstrap()
    world.agent.callback_hosts = ["agents.example.com"]
    world.agent.save()
    agents.issue_key(agent=world.agent, by=world.agent.owner)
    for number in range(4):
        proposal = world.propose(
            title=f"{SECRET} {number}",
            rationale=SECRET,
            targets=(f"campaign:{SECRET}",),
            callback_url=f"https://agents.example.com/{SECRET}",
            content={"payload": {"text": SECRET, "amount": 1}, "rollback": {"text": SECRET}},
        )
        if number == 1:
            _reject_in_a_batch(proposal, world.owner)
        elif number:
            world.approve(proposal, comment=SECRET)
    OutsideAddress.objects.create(name="Team", url=f"discord://{SECRET}/{SECRET}")
    occasions.fan_out()
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"said": SECRET})
    Sample.objects.create(proposal=claim.dispatch.proposal, picked_at=claim.dispatch.created_at)
    return world


def _reject_in_a_batch(proposal: Proposal, by: User) -> None:
    items = [(proposal.pk, worlds.seen(proposal))]
    verdict = Decision.Verdict.REJECT
    batches.decide_all(items=items, by=by, verdict=verdict, reason_code="other", comment=SECRET)


def _every_address() -> list[str]:
    """Return every address; the histories share one class, so one of the policy's stands for all."""
    found = sorted(set(_addresses(get_resolver().url_patterns)))
    return [one for one in found if "/policies/historical" not in one or "/historicalagent/" in one]


@pytest.fixture(params=range(PARTS), ids=lambda part: f"part-{part + 1}-of-{PARTS}")
def addresses(request: pytest.FixtureRequest, world: World) -> list[str]:
    """Some of the addresses; all parts together are every address."""
    return _every_address()[request.param :: PARTS]


def test_the_crawl_knows_every_registered_model(world: World) -> None:
    addresses = _every_address()
    for model in admin.site._registry:
        if "historical" in model._meta.model_name:
            continue
        prefix = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert sum(address.startswith(prefix) for address in addresses) >= 2, prefix


def test_the_owner_reads_what_others_must_not(world: World) -> None:
    """Else it would prove little that nobody else does."""
    client, _ = _visitor("owner", world)
    proposal = Proposal.objects.order_by("pk").last()
    for address in ("", f"{proposal.pk}/", f"{proposal.pk}/edit/", f"{proposal.pk}/payload.json"):
        answer = client.get(f"/admin/approvals/proposal/{address}", follow=True)
        assert SECRET.encode() in answer.content, address
    assert SECRET.encode() in client.get(f"/admin/desk/{proposal.pk}/").content


@pytest.mark.parametrize("role", ["anonymous", "agent", "stranger", "compliance", "owner", "tuner", "superuser"])
def test_nothing_is_decided_without_a_form_of_ours(role: str, world: World, addresses: list[str]) -> None:
    client, headers = _visitor(role, world, enforce_csrf_checks=True)
    before = _everything()
    for address in addresses:
        for method in METHODS:
            _visit(client, method, address, headers, role)
    assert _everything() == before


@pytest.mark.parametrize("role", ["stranger", "compliance", "owner", "tuner"])
def test_who_may_only_read_writes_nothing(role: str, world: World, addresses: list[str]) -> None:
    """An owner's empty forms decide nothing either."""
    client, headers = _visitor(role, world)
    before = _everything()
    for address in addresses:
        _visit(client, "post", address, headers, role)
    assert _everything() == before


def test_no_empty_form_of_an_administrator_breaks_anything(world: World, addresses: list[str]) -> None:
    client, headers = _visitor("superuser", world)
    decided = Decision.objects.count()
    for address in addresses:
        _visit(client, "post", address, headers, "superuser")
    assert Decision.objects.count() == decided


def _visit(client: Client, method: str, address: str, headers: dict[str, str], role: str) -> None:
    if address == "/admin/logout/" and method == "post":
        return
    answer = getattr(client, method)(address, headers=headers)
    assert answer.status_code < 500, (role, method, address)
    if role == "agent":
        assert answer.status_code == 403, (method, address)
    if role == "anonymous" and address != "/admin/login/":
        assert answer.status_code in {302, 403, 404, 405}, (method, address)
    if role in {"anonymous", "agent", "stranger", "tuner"}:
        assert SECRET.encode() not in answer.content, (role, method, address)


def _visitor(role: str, world: World, **options: Any) -> tuple[Client, dict[str, str]]:
    client = Client(raise_request_exception=False, **options)
    if role == "agent":
        return client, {"Authorization": f"Bearer {agents.issue_key(agent=world.agent, by=world.agent.owner).text}"}
    people = {
        "stranger": lambda: worlds.person("lawyer", "Legal"),
        "compliance": lambda: worlds.person("auditor"),
        "owner": lambda: world.owner,
        "tuner": _tuner,
        "superuser": lambda: User.objects.create_superuser("root", password="a long enough password"),
    }
    if role in people:
        person = people[role]()
        if role == "compliance":
            person.groups.add(Group.objects.get(name="Compliance"))
        client.force_login(person)
    return client, {}


def _tuner() -> User:
    """Make somebody whose role tunes one surface, and who may do nothing else."""
    crew = Group.objects.create(name="Budget crew")
    person = User.objects.create_user("tuner", password="a long enough password", is_staff=True)
    person.groups.add(crew)
    first, second = worlds.publishers()
    row = Surface.objects.get(pk="ads.budget")
    asked = tuning.ask(role=crew, surface=row, by=first, note="They know it best.")
    agreement.agree(loosening_id=asked.pk, by=second)
    return person


EXPORTED = "evidence.exported"


def _everything() -> dict[str, Any]:
    """All rows that somebody could have changed.

    Signing in writes `last_login`, and who takes evidence leaves an entry that says so: neither is a change.
    """
    rows: dict[str, Any] = {}
    for model in GOVERNED:
        fields = [field.attname for field in model._meta.concrete_fields if field.name != "last_login"]
        rows[model.__name__] = [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in model._default_manager.order_by("pk").values_list(*fields)
            if model is not Entry or EXPORTED not in row
        ]
    return rows


def _addresses(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern.pattern, RegexPattern):
            routes = _of_regex(str(pattern.pattern))
        else:
            routes = [str(pattern.pattern)]
        for route in routes:
            whole = prefix + route
            if not prefix and not route.startswith("admin/"):
                continue
            if isinstance(pattern, URLResolver):
                yield from _addresses(pattern.url_patterns, whole)
            elif isinstance(pattern, URLPattern):
                yield "/" + _filled(whole)


def _of_regex(regex: str) -> list[str]:
    """The admin's two regular expressions: a page for each app, and everything else."""
    apps = re.fullmatch(r"\^\(\?P<app_label>(.*)\)/\$", regex)
    return [f"{app}/" for app in apps[1].split("|")] if apps else ["nowhere/at/all/"]


def _filled(route: str) -> str:
    keys: dict[str, Any] = {
        "object_id": _a_row(route),
        "key_id": ApiKey.objects.first().pk,
        "scope": "everywhere",
        "content_type_id": 1,
        "id": User.objects.first().pk,
        "app_label": "auth",
        "batch": Decision.objects.exclude(batch=None).first().batch,
        "filter_id": 1,
        "member": "rows",
        "agent": Agent.objects.order_by("pk").first().pk,
        "surface": "ads.budget",
    }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(keys[found[1]]), route)


def _a_row(route: str) -> Any:
    for model in admin.site._registry:
        if f"/{model._meta.app_label}/{model._meta.model_name}/" in f"/{route}":
            row = model._default_manager.order_by("pk").first()
            return "1" if row is None else str(row.pk).replace("_", "_5F")
    return Proposal.objects.order_by("pk").first().pk if "/desk/" in route else "1"

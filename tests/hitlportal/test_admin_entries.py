"""Every row that a person adds, changes or deletes in the admin leaves exactly its entry in the ledger."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from audit.models import Entry
from policies.models import Agent
from tests import world as worlds
from tests.hitlportal.test_admin_crawl import world  # noqa: F401  # a fixture
from tests.hitlportal.test_admin_refusals import NAMES, Fields, model_of, page_of, root, row_of, rows  # noqa: F401

pytestmark = pytest.mark.django_db

# What a form needs besides the values of a row that is there, for another one.
ADDED: dict[str, dict[str, list[str]]] = {
    "approvals.noticerule": {"kind": ["expired"]},
    "approvals.outsideaddress": {"name": ["Another"], "address": ["discord://c/d"]},
    "auth.group": {"name": ["Another"]},
    "auth.user": {
        "username": ["another"], "usable_password": ["true"], "password1": ["correct horse 7"],
        "password2": ["correct horse 7"],
    },
    "policies.agent": {"slug": ["another"]},
    "policies.calendar": {"slug": ["another"]},
    "policies.connector": {"slug": ["another"]},
    "policies.escalation": {"level": ["2"]},
    "policies.guardrail": {"slug": ["another"]},
    "policies.limit": {"slug": ["another"]},
    "policies.mandate": {"agent": ["newcomer"], "surface": ["pricing"], "tier": ["human_only"]},
    "policies.policytest": {"slug": ["another"]},
    "policies.requirement": {"name": ["another"]},
    "policies.rule": {"slug": ["another"]},
    "policies.surface": {"slug": ["another"]},
    "policies.tier": {"slug": ["another"], "rank": ["35"]},
    "policies.tuning": {"role": [worlds.OWNER], "surface": ["ads.budget"], "note": ["They know it best."]},
}  # fmt: skip
# What is changed of a row that is there.
CHANGED: dict[str, dict[str, list[str]]] = {
    "approvals.noticerule": {"kind": ["expired"]},
    "approvals.outsideaddress": {"name": ["Another"]},
    "auth.group": {"name": ["Another"]},
    "auth.user": {"first_name": ["Another"]},
    "policies.agent": {"description": ["Another."]},
    "policies.calendar": {"monday": ["08:00-16:00"]},
    "policies.connector": {"timeout_seconds": ["7"]},
    "policies.escalation": {"after": ["2 hours"]},
    "policies.guardrail": {"text": ["Another."]},
    "policies.limit": {"limit": ["4"]},
    "policies.mandate": {"tier": ["human_only"]},
    "policies.policytest": {"outcome": ["deny"]},
    "policies.requirement": {"approvals": ["2"]},
    "policies.rule": {"reason": ["Another."]},
    "policies.surface": {"description": ["Another."]},
    "policies.tier": {"description": ["Another."]},
}
# Where a use case writes the entry, and not the table's page.
OF_USE_CASES = {
    "policies.mandate": {"add": "mandate.given", "change": "mandate.given", "delete": "mandate.taken_away"},
    "policies.tuning": {"add": "loosening.asked", "delete": "tuning.taken_away"},
}
# What a row was allowed goes with it, and has an entry of its own.
WITH_IT = {"auth.group": ["role.permissions_changed"], "auth.user": ["account.roles_changed"]}
PAST = {"add": "added", "change": "changed", "delete": "deleted"}


def test_every_page_that_writes_is_tried() -> None:
    assert sorted(ADDED) == NAMES["add"]
    assert sorted(CHANGED) == NAMES["change"]


def kind_of(name: str, act: str) -> str:
    return OF_USE_CASES.get(name, {}).get(act) or f"{name.partition('.')[2]}.{PAST[act]}"


def written(client: Client, page: str, values: dict[str, Any]) -> list[Entry]:
    """Send a form, and return the entries that it left, which name the request."""
    last = Entry.objects.latest("id").pk
    answer = client.post(page, values)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    entries = [*Entry.objects.filter(pk__gt=last).order_by("id")]
    assert {one.request_id for one in entries} <= {answer["X-Request-Id"]}
    return entries


def filled(client: Client, row: Model) -> dict[str, list[str]]:
    return Fields(client.get(page_of(type(row), row)).content.decode()).values


def told(entries: list[Entry]) -> list[str]:
    """Return the kinds of entries, each by the person who is signed in."""
    person = User.objects.get(username="root")
    assert {one.actor for one in entries} == {f"user:{person.pk}"}
    return sorted(one.kind for one in entries)


@pytest.mark.parametrize("name", NAMES["add"])
def test_an_added_row_leaves_its_entry(root: Client, name: str) -> None:  # noqa: F811
    model = model_of(name)
    Agent.objects.create(slug="newcomer", name="Newcomer", owner=User.objects.get(username="root"))
    values = {} if name == "policies.tuning" else filled(root, row_of(model))
    if name == "policies.agent":
        values["owner"] = [User.objects.get(username="root").pk]
    entries = written(root, page_of(model), values | ADDED[name])
    assert told(entries) == [kind_of(name, "add")]


@pytest.mark.parametrize("name", NAMES["change"])
def test_a_changed_row_leaves_its_entry(root: Client, name: str) -> None:  # noqa: F811
    row = row_of(model_of(name))
    entries = written(root, page_of(type(row), row), filled(root, row) | CHANGED[name])
    assert told(entries) == [kind_of(name, "change")]


@pytest.mark.parametrize("name", NAMES["delete"])
def test_a_deleted_row_leaves_its_entry(root: Client, name: str) -> None:  # noqa: F811
    row = row_of(model_of(name))
    page = page_of(type(row), row, "delete")
    entries = written(root, page, {"post": "yes"})
    assert not type(row)._default_manager.filter(pk=row.pk).exists()
    assert told(entries) == sorted([kind_of(name, "delete"), *WITH_IT.get(name, [])])

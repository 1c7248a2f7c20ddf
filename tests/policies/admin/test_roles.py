"""Roles are renamed and deleted in the admin only while nothing names them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from approvals.models import Absence, NoticeRule
from hitlportal.environment.sign_in import OpenIdConnect
from policies.models import Escalation, Rule, Surface
from tests import world as worlds

pytestmark = pytest.mark.django_db

NAME = "Legal"


@pytest.fixture
def root():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def role():
    worlds.build()
    worlds.person("lawyer", NAME)
    return Group.objects.get(name=NAME)


def rename(root, role, to="Counsel"):
    return root.post(f"/admin/auth/group/{role.pk}/change/", {"name": to}, follow=True)


def told(answer):
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def owns_a_surface():
    Surface.objects.filter(pk="pricing").update(owner=NAME)


def is_required():
    worlds.requirement("pricing", NAME)


def is_called():
    Escalation.objects.create(surface_id="pricing", level=1, role_id=NAME, after=timedelta(hours=1))


def is_told():
    NoticeRule.objects.create(kind="decided", role_id=NAME)


def is_asked_by_a_rule():
    Rule.objects.create(slug="law", decision="require_approval", requirements=[{"stage": 1, "name": "l", "role": NAME}])


def is_in_force():
    owns_a_surface()
    worlds.publish()
    Surface.objects.filter(pk="pricing").update(owner=worlds.OWNER)


def is_on_a_proposal():
    worlds.requirement("ads.budget", NAME)
    worlds.publish()
    agent = worlds.Agent.objects.get()
    draft = worlds.NewProposal(
        surface="ads.budget", action="shift_budget", title="t", content=worlds.Content(payload={})
    )
    worlds.submission.submit(agent=agent, draft=draft)
    worlds.Requirement.objects.all().delete()
    worlds.publish()


def is_lent():
    lawyer, now = User.objects.get(username="lawyer"), datetime.now(UTC)
    Absence.objects.create(
        person=lawyer, begins_at=now, ends_at=now + timedelta(days=1), roles=[NAME], noted_at=now, noted_by=lawyer
    )


WAYS = [owns_a_surface, is_required, is_called, is_told, is_asked_by_a_rule, is_in_force, is_on_a_proposal, is_lent]


@pytest.mark.parametrize("way", WAYS)
def test_a_role_that_is_named_is_not_renamed(root, role, way):
    way()
    answer = rename(root, role)
    assert answer.status_code == 200
    assert "Legal cannot be renamed, because it is named by: " in answer.content.decode()
    assert told(answer) == []
    assert Group.objects.filter(name=NAME).exists()


@pytest.mark.parametrize("way", [way for way in WAYS if way is not is_told])
def test_a_role_that_is_named_is_not_deleted(root, role, way):
    way()
    answer = root.post(f"/admin/auth/group/{role.pk}/delete/", {"post": "yes"}, follow=True)
    assert answer.status_code == 200
    assert "success" not in dict(told(answer))
    chosen = {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"}
    answer = root.post("/admin/auth/group/", chosen, follow=True)
    assert answer.status_code == 200
    assert "success" not in dict(told(answer))
    assert Group.objects.filter(name=NAME).exists()


def test_a_role_of_a_group_of_the_identity_provider_is_not_renamed(root, role, settings):
    settings.OIDC = OpenIdConnect(
        issuer="https://id.example.com", client_id="x", client_secret="y", name="SSO", groups_claim="groups",
        group_map={"staff-legal": NAME}, admits_unmapped=False,
    )  # fmt: skip
    assert "OIDC_GROUP_MAP" in rename(root, role).content.decode()


def test_a_role_that_nothing_names_is_renamed_and_deleted(root, role):
    assert dict(told(rename(root, role))).keys() == {"success"}
    assert User.objects.get(username="lawyer").groups.get().name == "Counsel"
    answer = root.post(f"/admin/auth/group/{role.pk}/delete/", {"post": "yes"}, follow=True)
    assert dict(told(answer)).keys() == {"success"}
    assert not Group.objects.filter(pk=role.pk).exists()


def test_permissions_of_a_role_that_is_named_still_change(root, role):
    owns_a_surface()
    assert dict(told(rename(root, role, to=NAME))).keys() == {"success"}


def test_what_names_it_in_the_same_moment_is_told_and_nothing_is_renamed(root, role, monkeypatch):
    owns_a_surface()
    monkeypatch.setattr("policies.accounts.roles.named_by", lambda *_: [])
    answer = rename(root, role)
    assert answer.status_code == 200
    assert [level for level, _ in told(answer)] == ["error"]
    assert "named by other rows" in told(answer)[0][1]
    assert Group.objects.filter(name=NAME).exists()


@pytest.mark.parametrize("name", ["legal", "LEGAL", "Le\u00adgal", "Legal\u200b", "\uff2cegal", "Legal\u2060"])
def test_a_role_that_reads_as_another_one_is_refused(root, role, name):
    shown = root.post("/admin/auth/group/add/", {"name": name}, follow=True)
    assert "There is a role Legal already" in shown.content.decode()
    counsel = Group.objects.create(name="Counsel")
    assert "There is a role Legal already" in rename(root, counsel, to=name).content.decode()
    assert Group.objects.filter(name__in=[name, "Counsel"]).count() == 1


@pytest.mark.parametrize("name", ["Chief\u00a0editor", "Chief  editor", "Chi\u200bef", "Cafe\u0301"])
def test_a_new_role_has_a_plain_name(root, name):
    shown = root.post("/admin/auth/group/add/", {"name": name}, follow=True)
    assert "Write it plainly" in shown.content.decode()
    assert not Group.objects.filter(name=name).exists()

"""A surface on which nobody can decide is told of, when it is published and when its file is checked."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from policies.models import Requirement, Rule, Surface
from policies.publishing import publish
from tests import world as worlds

pytestmark = pytest.mark.django_db

FILE = """\
version: v1

surfaces:
  - id: ads.video
    name: Video
    owner: Legal
    tier: single
    floor: monitored
    senior_tier: signature
    deadline: 8h
"""


@pytest.fixture
def world():
    return worlds.build()


def warned():
    return [(one.id, one.text) for one in publish.pending().warnings]


def empty_the_owner_role():
    User.objects.filter(groups__name=worlds.OWNER).update(is_active=False)


def test_an_owner_role_without_people_is_told_and_can_be_published(world):
    empty_the_owner_role()
    assert {slug for slug, _ in warned()} == {"ads.budget", "email.lifecycle", "pricing"}
    assert f"No one who can sign in has the {worlds.OWNER} role" in warned()[0][1]
    assert publish.pending().faults == []


def test_with_people_nothing_is_told(world):
    assert warned() == []


def test_a_surface_that_asks_others_needs_no_owner(world):
    worlds.person("lawyer", "Legal")
    empty_the_owner_role()
    worlds.requirement("pricing", "Legal")
    assert "pricing" not in dict(warned())
    Requirement.objects.update(tier="single")
    assert "pricing" in dict(warned()), "on other tiers the owner role still decides"


def test_a_disabled_surface_is_left_out(world):
    empty_the_owner_role()
    Surface.objects.update(is_enabled=False)
    assert warned() == []


def test_the_only_person_who_owns_the_agent_is_told(world):
    owner = world.agent.owner
    User.objects.filter(groups__name=worlds.OWNER).exclude(pk=owner.pk).update(is_active=False)
    owner.groups.add(Surface.objects.first().owner)
    assert "owns the agent" in warned()[0][1]
    Surface.objects.update(agent_owner_may_decide=True)
    assert warned() == []


def test_the_publish_page_says_so_before_and_after(world):
    empty_the_owner_role()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/admin/policies/publish/").content.decode()
    assert "What you should know" in page
    assert "surface ads.budget, owner" in page
    Rule.objects.create(slug="nothing-more", decision="deny")
    after = client.post("/admin/policies/publish/", {"do": "publish"}, follow=True)
    told = [str(message) for message in after.context["messages"]]
    assert "is in force" in told[0]
    assert told[1].startswith("surface ads.budget: No one")


def test_the_lint_of_a_file_says_so(world, tmp_path, capsys):
    worlds.person("lawyer", "Legal").delete()
    path = tmp_path / "policy.yaml"
    path.write_text(FILE)
    call_command("policy", "lint", str(path))
    assert "Note: surface ads.video: No one who can sign in has the Legal role" in capsys.readouterr().out
    worlds.person("lawyer", "Legal")
    call_command("policy", "lint", str(path))
    assert "Note:" not in capsys.readouterr().out


def test_applying_a_file_says_so(world, tmp_path, capsys):
    worlds.person("lawyer", "Legal").delete()
    path = tmp_path / "policy.yaml"
    path.write_text(FILE)
    call_command("policy", "apply", str(path))
    assert "Note: surface ads.video: No one" in capsys.readouterr().out

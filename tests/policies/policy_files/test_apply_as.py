"""`manage.py policy apply --as`: a person who has proved it, or else the command line of this machine."""

import io
import socket

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from policies.models import PolicyVersion, Rule
from policies.publishing import publish
from policies.registry import agreement
from tests import world as worlds
from tests.policies.policy_files.test_command import SHORT

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def mara() -> User:
    worlds.bootstrap(with_starter=False)
    return worlds.person("mara", permissions=("add_rule", "change_rule", "ask_loosening", "view_policyversion"))


@pytest.fixture
def policy(tmp_path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(SHORT, encoding="utf-8")
    return str(path)


def test_a_person_who_proves_it_is_named(settings, policy, mara):
    settings.COMMAND_PASSWORD = PASSWORD
    call_command("policy", "apply", policy, "--as", "mara")
    entry = Entry.objects.get(kind="policy.drafted")
    assert (entry.actor, entry.actor_name) == (f"user:{mara.pk}", "mara")
    assert Rule.history.latest().history_user == mara


def test_a_line_that_is_piped_in_proves_it_too(monkeypatch, policy):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    call_command("policy", "apply", policy, "--as", "mara")
    assert Entry.objects.get(kind="policy.drafted").actor_name == "mara"


@pytest.mark.parametrize(
    ("username", "password", "complaint"),
    [
        pytest.param("mara", "another password", "not your password", id="wrong-password"),
        pytest.param("nobody", PASSWORD, "no active user", id="unknown-person"),
        pytest.param("ned", PASSWORD, "policies.add_rule", id="without-the-right"),
    ],
)
def test_who_does_not_prove_it_or_may_not_changes_nothing(settings, policy, username, password, complaint):
    worlds.person("ned", permissions=("ask_loosening",))
    settings.COMMAND_PASSWORD = password
    with pytest.raises(CommandError, match=complaint):
        call_command("policy", "apply", policy, "--as", username)
    assert not Rule.objects.filter(slug="require-approval-over-100").exists()
    assert not Entry.objects.filter(kind="policy.drafted").exists()


def test_without_a_name_it_is_the_command_line(policy):
    call_command("policy", "apply", policy)
    assert Entry.objects.get(kind="policy.drafted").actor_name == f"command line of {socket.gethostname()}"


def test_the_versions_name_who_wrote_asked_and_agreed(settings, policy, mara):
    settings.COMMAND_PASSWORD = PASSWORD
    call_command("policy", "apply", policy, "--as", "mara")
    first, second = worlds.publishers()
    published = publish.publish(by=first, note="As finance asked.")
    if published.asked is not None:
        agreement.agree(loosening_id=published.asked.pk, by=second)
    version = PolicyVersion.objects.latest("number")
    assert (version.written_by, version.asked_by) == ("mara", "publisher")

    rule = Rule.objects.get(slug="require-approval-over-100")
    rule._history_user = second
    rule.delete()
    published = publish.publish(by=first, note="No longer needed.")
    assert published.asked is not None, "to take a rule away loosens"
    agreement.agree(loosening_id=published.asked.pk, by=second)
    version = PolicyVersion.objects.latest("number")
    assert (version.written_by, version.asked_by, version.agreed_by) == (
        "second-publisher", "publisher", "second-publisher",
    )  # fmt: skip
    client = Client()
    client.force_login(mara)
    page = client.get(reverse("admin:policies_policyversion_changelist")).content.decode()
    for heading in ("Written by", "Asked by", "Agreed by"):
        assert heading.lower() in page.lower()
    assert "second-publisher" in page

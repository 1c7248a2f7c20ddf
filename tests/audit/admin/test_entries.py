"""Above the entries stands what the last verification found."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from audit.models import Entry
from audit.verification import runs
from tests.audit.kinds.made_up import OpenKind, declared
from tests.audit.ledger.log import signed


@pytest.fixture
def reader(db):
    user = User.objects.create_user("auditor", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_entry"))
    client = Client()
    client.force_login(user)
    return client


def shown(client, path=""):
    return client.get(f"/admin/audit/entry/{path}").content.decode()


def test_before_the_first_verification_it_says_so(reader):
    assert "has not been verified yet" in shown(reader)


def test_a_good_verification_is_told_with_the_last_checkpoint(reader):
    signed(3)
    runs.run(by=SYSTEM)
    page = shown(reader)
    assert "No problems found" in page
    assert "Checkpoint to keep elsewhere" in page


def test_a_fault_is_told_with_its_index(reader):
    signed(3)
    index = Entry.objects.get(subject="thing:1").leaf.index
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE audit_entry SET kind = 'x' WHERE subject = 'thing:1'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    runs.run(by=SYSTEM)
    assert f"found a fault at index {index}: changed." in shown(reader)


def test_an_entry_shows_its_place_and_commitment(reader):
    signed(1)
    entry = Entry.objects.get(subject="thing:0")
    page = shown(reader, f"{entry.pk}/change/")
    assert bytes(entry.commitment).hex() in page
    assert "index in the ledger" in page.lower()


def test_an_entry_says_in_words_what_happened(reader):
    runs.run(by=SYSTEM)
    entry = Entry.objects.get(kind="ledger.verified")
    words = "The whole ledger was verified: how much of it, and the first fault, if there was one."
    assert f'<span title="{words}">ledger.verified</span>' in shown(reader)
    assert words in shown(reader, f"{entry.pk}/change/")


def test_an_entry_of_a_kind_of_before_is_shown_too(reader):
    with declared(OpenKind("letter.sent", "A letter was sent.")):
        entry = entries.record("letter.sent", subject="letter:1", actor=SYSTEM, at=database_now())
    assert '<span title="">letter.sent</span>' in shown(reader)
    assert "does not know" in shown(reader, f"{entry.pk}/change/")

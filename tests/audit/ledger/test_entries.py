"""The ledger is written with what it records, or not at all."""

import pytest
from django.db import DatabaseError, transaction

from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor, LedgerError
from audit.models import Entry
from tests.audit.kinds.made_up import OpenKind, declared


@pytest.fixture(autouse=True)
def _made_up_kind():
    with declared(OpenKind("thing.turned", "Something was turned.")):
        yield


@pytest.mark.django_db
def test_an_entry_says_what_to_what_by_whom_and_when():
    at = database_now()
    entries.record("thing.turned", subject="thing:7", actor=Actor("user:1", "ann"), at=at, data={"from": "left"})
    entry = Entry.objects.get()
    assert (entry.kind, entry.subject, entry.actor, entry.actor_name, entry.at, entry.data) == (
        "thing.turned", "thing:7", "user:1", "ann", at, {"from": "left"},
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_recorded():
    with pytest.raises(LedgerError):
        entries.record("thing.turned", subject="thing:1", actor=SYSTEM, at=database_now())
    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_leaves_no_entry():
    with transaction.atomic():
        entries.record("thing.turned", subject="thing:1", actor=SYSTEM, at=database_now())
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_entries_of_one_act_keep_their_order():
    for number in range(5):
        entries.record("thing.turned", subject=f"thing:{number}", actor=SYSTEM, at=database_now())
    assert [entry.subject for entry in Entry.objects.order_by("id")] == [f"thing:{number}" for number in range(5)]


CHANGES = {
    "save": lambda entry: Entry(
        pk=entry.pk, kind="thing.undone", subject="thing:1", actor="b", at=entry.at, salt=b"", commitment=b""
    ).save(),
    "delete": lambda entry: entry.delete(),
    "update": lambda entry: Entry.objects.filter(pk=entry.pk).update(kind="thing.undone"),
    "erase": lambda entry: Entry.objects.filter(pk=entry.pk).delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_entry_is_never_changed(change):
    entry = entries.record("thing.turned", subject="thing:1", actor=SYSTEM, at=database_now())
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        change(entry)
    assert Entry.objects.get().kind == "thing.turned"

"""Every kind that the code writes is declared, and every kind that is declared is written."""

from collections import Counter

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory

from approvals import entry_kinds as of_approvals
from audit.kinds import own, registry
from hitlportal import entry_kinds as of_accounts
from policies import entry_kinds as of_policies
from policies.admin.recorded import RecordedAdmin
from tests.audit.kinds import written
from tests.audit.kinds.written import MODEL, Unreadable

DECLARED = [*own.KINDS, *of_policies.KINDS, *of_approvals.KINDS, *of_accounts.KINDS]
ACTS = {
    "added": ("has_add_permission", "log_addition"),
    "changed": ("has_change_permission", "log_change"),
    "deleted": ("has_delete_permission", "log_deletions"),
}


def by_code():
    kinds = set(written.read().kinds())
    of_tables = {kind.removeprefix(MODEL) for kind in kinds if kind.startswith(MODEL)}
    assert of_tables == {f".{act}" for act in ACTS}
    return kinds - {f"{MODEL}{act}" for act in of_tables}


def by_admin():
    """Return what the admin's tables write: one kind for each thing that a superuser may do to a row.

    Where a table has a hook of its own, a use case has written the entry.
    """
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    return {
        f"{model._meta.model_name}.{act}"
        for model, page in admin.site._registry.items()
        if isinstance(page, RecordedAdmin)
        for act, (may, hook) in ACTS.items()
        if getattr(page, may)(request) and getattr(type(page), hook) is getattr(RecordedAdmin, hook)
    }


def test_what_is_written_is_what_is_declared():
    assert sorted(kind.name for kind in DECLARED) == sorted(by_code() | by_admin())


def test_every_kind_is_declared_by_one_app():
    assert [name for name, count in Counter(kind.name for kind in DECLARED).items() if count > 1] == []
    assert {kind.name for kind in DECLARED} <= {kind.name for kind in registry.known()}


def test_only_the_ledger_makes_entries():
    code = written.read()
    made = {
        place.module.name
        for place, called, _call in code.calls
        if called.startswith(("audit.models.Entry", "audit.models.entry.Entry"))
        and called.rpartition(".")[2] in {"Entry", "create", "bulk_create", "get_or_create", "update_or_create"}
    }
    assert made == {"audit.ledger.entries"}


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.name)
def test_a_kind_says_what_it_means_and_closes_its_data(kind):
    assert str(kind.meaning)[:1].isupper()
    assert str(kind.meaning).endswith(".")
    with pytest.raises(registry.MalformedData):
        registry.check(kind.name, {"nothing_of_the_kind": 1})


HEAD = "from audit.ledger import entries\n"
MODULES = {
    "a word": ("entries.record('a.done', subject=x)", {"a.done"}),
    "another name": ("from audit.ledger.entries import record as note\nnote('a.done')", {"a.done"}),
    "one of two": ("entries.entry('a.done' if x else 'a.begun')", {"a.done", "a.begun"}),
    "a constant": ("KIND = 'a.done'\nentries.record(KIND)", {"a.done"}),
    "made of parts": (
        "def note(what, *, of='a'):\n entries.record(f'{of}.{what}')\nnote('done')\nnote('done', of='b')",
        {"a.done", "b.done"},
    ),
    "through two functions": (
        "def one(kind):\n entries.record(kind)\ndef two(what):\n one(f'a.{what}')\ntwo('done')",
        {"a.done"},
    ),
    "in a variable": (
        "def f():\n kind = 'a.done'\n if x:\n  kind = 'a.begun'\n entries.record(kind)",
        {"a.done", "a.begun"},
    ),
}


@pytest.mark.parametrize(("text", "kinds"), MODULES.values(), ids=MODULES)
def test_kinds_are_read_from_the_code(text, kinds):
    assert set(_code(text).kinds()) == kinds


HIDDEN = {
    "read at run time": "entries.record(ask())",
    "out of a list": "for kind in kinds:\n entries.record(kind)",
    "handed on": "later(entries.record, 'a.done')",
    "under another name": "note = entries.record\nnote('a.done')",
    "by a star": "entries.record(*facts)",
    "inherited": (
        "class A:\n def note(self, kind):\n  entries.record(kind)\nclass B(A):\n def f(self):\n  self.note('a.done')"
    ),
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_a_kind_that_cannot_be_read_is_an_error(text):
    with pytest.raises(Unreadable):
        _code(text).kinds()


def _code(text):
    ledger = "def entry(kind, *, subject=1): pass\ndef record(kind, *, subject=1):\n entry(kind, subject=subject)\n"
    return written.Code([written.parsed("audit.ledger.entries", ledger), written.parsed("made_up", HEAD + text)])

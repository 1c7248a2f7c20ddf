"""A compiled query answers as its queryset does, whatever the values and whichever thread asks."""

import threading
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.db.transaction import TransactionManagementError, atomic

from approvals.models import Proposal
from policies.compiled_queries import CompiledQuery
from tests import world

pytestmark = pytest.mark.django_db


def by_name():
    return CompiledQuery(lambda name: User.objects.filter(username=name))


def test_other_values_find_other_rows():
    query = by_name()
    people = [User.objects.create_user(name) for name in ("first", "o'brien %s", 'a "b"')]
    assert [query.get(name=person.username) for person in people] == people
    assert query.all(name="nobody") == []
    assert query.first(name="nobody") is None
    with pytest.raises(User.DoesNotExist):
        query.get(name="nobody")


def test_its_queryset_is_built_once():
    built = []

    def build(name):
        built.append(name)
        return User.objects.filter(username=name)

    query = CompiledQuery(build)
    for name in ("first", "second"):
        query.all(name=name)
    assert len(built) == 1


def test_what_is_joined_left_out_and_added_is_there(django_assert_num_queries):
    proposal = world.build().propose()

    def build(pk):
        rows = Proposal.objects.select_related("revision", "agent").defer("rationale").filter(pk=pk)
        return rows.annotate(shout=Concat("title", Value("!")))

    query, plain = CompiledQuery(build), build(proposal.pk).get()
    with django_assert_num_queries(1):
        found = query.get(pk=proposal.pk)
        assert (found.revision, found.agent, found.shout) == (plain.revision, plain.agent, f"{proposal.title}!")
    assert found.get_deferred_fields() == {"rationale"}
    assert {**vars(found), "_state": None} == {**vars(plain), "_state": None}
    assert query.first(pk=uuid4()) is None


def test_a_row_is_locked_in_a_transaction_and_nowhere_else(transactional_db):
    query = CompiledQuery(lambda name: User.objects.select_for_update().filter(username=name))
    User.objects.create_user("first")
    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            query.all(name="first")
        with atomic():
            query.get(name="first")
            others = []
            asking = threading.Thread(target=_skip_locked, args=(others,))
            asking.start()
            asking.join()
        assert others == [0]


def _skip_locked(found):
    with atomic():
        found.append(len(User.objects.select_for_update(skip_locked=True)))
    connection.close()


def test_another_thread_asks_over_its_own_connection(transactional_db):
    query = by_name()
    person = User.objects.create_user("first")
    query.get(name="first")
    found = []

    def ask():
        found.append(query.get(name="first"))
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    assert found == [person]

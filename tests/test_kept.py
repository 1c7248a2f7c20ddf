"""What is put back is what was built, and a database that is not as it was gets it built again."""

import pytest
from django.db import connection, transaction

from policies.models import Calendar, PolicyVersion, Surface
from policies.registry import bootstrap
from tests import kept, world
from tests.proofs import assert_invariants_hold

pytestmark = pytest.mark.django_db
BUILDERS = [pytest.param(world.build, id="world"), pytest.param(world.bootstrap, id="portal")]


def rows():
    with connection.cursor() as cursor:
        return kept._rows(cursor)


@pytest.mark.parametrize("build", BUILDERS)
def test_put_back_it_is_what_was_built(build):
    found = []
    for _ in range(3):
        with transaction.atomic():
            value = build()
            found.append(({table: lines for table, lines in rows().items() if lines}, value))
            transaction.set_rollback(True)
    (first, first_value), *others = found
    for again, value in others:
        assert again == first
        assert value is not first_value
        assert type(value) is type(first_value)


def test_another_start_gets_it_built():
    with transaction.atomic():
        world.build()
        transaction.set_rollback(True)
    Calendar.objects.create(slug="office", time_zone="UTC")
    world.build()
    assert "office" in PolicyVersion.objects.get().document["calendars"]


def test_it_can_be_used_like_any_other():
    with transaction.atomic():
        world.build()
        transaction.set_rollback(True)
    made = world.build()
    made.approve(made.propose())
    made.surface("crm.leads")
    assert Surface.objects.count() == 4
    assert_invariants_hold()


def test_a_second_time_in_one_test_it_runs_for_real():
    world.bootstrap()
    again = world.bootstrap()
    assert not any(line.is_made for line in again.lines)
    assert again.lines == bootstrap.bootstrap().lines

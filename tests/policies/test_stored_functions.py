"""Functions in the database are as the code has them, and are made anew only where they differ."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from policies.stored_functions import KEPT, StoredFunction, install, naming

pytestmark = pytest.mark.django_db
TWICE = StoredFunction("test_twice", "the_number integer, OUT twice integer", "twice := 2 * the_number % 100;")


def ask(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


def number_of(function: StoredFunction) -> int:
    """Return what the database calls the function; one that was made anew has another number."""
    return int(ask("SELECT to_regproc(%s)::oid", function.name)[0])


def test_a_function_that_is_as_it_should_be_is_left_alone():
    install(TWICE)
    number = number_of(TWICE)
    install(TWICE)
    assert number_of(TWICE) == number
    assert ask("SELECT test_twice(21)") == (42,)


def test_one_with_another_text_is_made_anew():
    install(TWICE)
    install(TWICE._replace(parameters="the_number bigint, OUT twice text", body="twice := the_number || '!';"))
    assert ask("SELECT test_twice(21)") == ("21!",)


def test_migrating_makes_what_is_missing_and_leaves_the_rest():
    missing, *others = KEPT
    assert others
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION {missing.name}")
    numbers = [number_of(each) for each in others]
    call_command("migrate", verbosity=0)
    assert number_of(missing)
    assert [number_of(each) for each in others] == numbers


@pytest.mark.parametrize("function", KEPT, ids=lambda function: function.name)
def test_it_keeps_its_plans_and_goes_by_an_index(function):
    (settings,) = ask("SELECT proconfig FROM pg_proc WHERE oid = to_regproc(%s)", function.name)
    assert sorted(settings) == ["enable_seqscan=off", "plan_cache_mode=force_generic_plan"]


def test_a_statement_names_the_parameters_of_its_function():
    assert naming("SELECT %(a)s, %(b)s", "a", "b") == "SELECT the_a, the_b"

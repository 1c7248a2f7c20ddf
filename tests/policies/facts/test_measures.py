"""One table of measures: what a limit offers, what it counts and what SQL counts are the same."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection

from policies.facts import measures
from policies.models import Limit

SPENT = SimpleNamespace(amount=Decimal("-12.5"), audience_size=30, currency="EUR")


def test_the_limits_of_the_admin_are_the_rows_of_the_table() -> None:
    assert [*measures.MEASURES] == list(Limit.Measure.values)


@pytest.mark.parametrize(
    ("measure", "currency", "adds"),
    [
        ("count", "USD", 1),
        ("amount", "", Decimal("12.5")),
        ("amount", "EUR", Decimal("12.5")),
        ("amount", "USD", 0),
        ("audience_size", "USD", 30),
    ],
)
@pytest.mark.django_db
def test_the_engine_and_sql_add_the_same(measure: str, currency: str, adds: object) -> None:
    assert measures.measured(measure, SPENT, currency=currency) == adds
    with connection.cursor() as cursor:
        statement = f"SELECT {measures.any_in_sql('%(measure)s', currency='%(of_limit)s', column='%({})s')}"
        cursor.execute(statement, {"measure": measure, "of_limit": currency, **vars(SPENT)})
        assert cursor.fetchone() == (adds,)


def test_what_a_proposal_does_not_say_adds_nothing() -> None:
    said = SimpleNamespace(amount=None, currency="")
    assert measures.measured("amount", said, currency="") == 0

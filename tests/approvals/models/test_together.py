"""Rows that are inserted together are the rows that `save()` would have written."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from approvals.models import Proposal
from approvals.models.together import insert_together
from tests import world as worlds

pytestmark = pytest.mark.django_db


def test_what_is_read_back_is_what_was_submitted() -> None:
    world = worlds.build()
    sent = world.propose(
        title="Größe \\ 'quoted' \"twice\" 100 % {} \u2028",
        evidence=[{"label": "CPA", "value": "12.40 \\x00 vs 18.10"}],
        targets=("campaign:a,b", 'campaign:"c"', "{}"),
        tags=("financial",),
        content={
            "payload": {"note": "é", "n": 1e21},
            "before": {"big": 123456789.125},
            "rollback": {},
            "amount": 0.1,
        },
    )
    stored = Proposal.objects.select_related("revision", "verdict").get()
    for field in Proposal._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(sent, field.attname), field.name
    assert bytes(stored.revision.body) == sent.revision.body
    assert bytes(stored.revision.rollback_body) == b"{}"
    assert stored.revision.before == {"big": 123456789.125}
    assert stored.amount == Decimal("0.1")
    assert stored.verdict.reasons == [dict(reason) for reason in sent.verdict.reasons]
    assert stored.verdict.facts == sent.verdict.facts
    assert stored.history.get().state == "pending"


def test_the_rules_of_the_tables_hold() -> None:
    proposal = worlds.build().propose()
    again = proposal.revision
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_together([again])
    assert proposal.revisions.count() == 1

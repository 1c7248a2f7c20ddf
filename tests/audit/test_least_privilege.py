"""The role of docs/operations.md runs the ledger, and cannot change what is recorded."""

import re
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import Leaf
from audit.verification import walk
from tests.audit.ledger.log import signed

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.fixture
def least(db):
    """Everything from here on as that role, until the transaction ends and the role with it."""
    (sql,) = re.findall(r"```sql\n(CREATE ROLE hitl_portal_app.*?)```", OPERATIONS.read_text(), re.DOTALL)
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("SET LOCAL ROLE hitl_portal_app")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def test_it_records_sequences_and_signs(least):
    signed(300)
    assert Leaf.objects.count() == 300
    assert walk.whole().fault is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET kind = kind",
        "DELETE FROM audit_leaf",
        "TRUNCATE audit_checkpoint",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TRIGGER pgtrigger_append_only_a6b88 ON audit_entry",
        "UPDATE approvals_decision SET comment = ''",
        "DELETE FROM approvals_revision",
    ],
)
def test_it_cannot_change_the_past_nor_switch_triggers_off(least, statement):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)

"""Small ledgers to try things on."""

from django.db import transaction

from audit.clock import database_now
from audit.kinds import registry
from audit.ledger import checkpoints, entries, sequencer
from audit.ledger.entries import Actor
from audit.models import Checkpoint
from tests.audit.kinds.made_up import OpenKind

registry.register([OpenKind("thing.done", "Something was done to a thing.")])


@transaction.atomic
def append(number, **fields):
    """Append one entry in a transaction of its own."""
    facts = {"subject": f"thing:{number}", "actor": Actor("user:1", "ann"), "data": {"number": number}, **fields}
    return entries.record("thing.done", at=database_now(), **facts)


def grow(count, *, first=0, most=1_000) -> None:
    """Append entries and put them into the tree."""
    for number in range(first, first + count):
        append(number)
    while sequencer.sequence(most=most):
        pass


def signed(count, *, first=0) -> Checkpoint:
    """Append entries, put them into the tree and sign it."""
    grow(count, first=first)
    checkpoint = checkpoints.sign()
    assert checkpoint is not None
    return checkpoint

"""An entry that no app has declared, or whose data do not fit, fails the action that it tells of."""

import pytest
from django.db import transaction

from approvals.models import Decision, Dispatch, Proposal
from approvals.people import votes
from audit.clock import database_now
from audit.kinds import registry
from audit.kinds.kind import Kind
from audit.kinds.registry import LedgerError, MalformedData, UnknownKind
from audit.kinds.shapes import COUNT, DIGEST, PERSON, TEXT, TIME, UUID, list_of, map_of, one_of, or_null
from audit.ledger import entries, sequencer
from audit.ledger.entries import SYSTEM
from audit.models import Entry
from audit.verification import walk
from tests import world as worlds
from tests.audit.kinds.made_up import declared

SENT = Kind("letter.sent", "A letter was sent.", {"pages": COUNT}, {"to": PERSON})
READ = Kind("letter.read", "A letter was read.", {"pages": COUNT}, otherwise={"by": TEXT})


def record(kind, data):
    return entries.record(kind, subject="letter:1", actor=SYSTEM, at=database_now(), data=data)


@pytest.mark.django_db
@pytest.mark.parametrize("data", [{"pages": 2}, {"pages": 0, "to": "user:7"}])
def test_data_of_a_kind_is_recorded(data):
    with declared(SENT):
        assert record("letter.sent", data).data == data


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="missing"),
        pytest.param({"pages": "2"}, id="of-another-type"),
        pytest.param({"pages": -1}, id="out-of-range"),
        pytest.param({"pages": True}, id="truth-is-no-number"),
        pytest.param({"pages": 2, "to": "ann"}, id="no-person"),
        pytest.param({"pages": 2, "from": "user:7"}, id="more-than-declared"),
    ],
)
def test_other_data_is_refused(data):
    with declared(SENT), pytest.raises(MalformedData), transaction.atomic():
        record("letter.sent", data)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_an_unknown_kind_is_refused():
    with pytest.raises(UnknownKind, match=r"letter\.sent"), transaction.atomic():
        record("letter.sent", {"pages": 2})
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_kind_of_two_writers_has_either_data_and_no_mixture():
    with declared(READ):
        assert record("letter.read", {"pages": 2}).data == {"pages": 2}
        assert record("letter.read", {"by": "ann"}).data == {"by": "ann"}
        with pytest.raises(MalformedData):
            record("letter.read", {"pages": 2, "by": "ann"})


def test_the_refusal_names_the_place_and_quotes_nothing():
    with declared(SENT), pytest.raises(MalformedData) as refusal:
        registry.check("letter.sent", {"pages": 2, "to": "ann@example.com"})
    assert "/to breaks properties/to/pattern" in str(refusal.value)
    assert "example" not in str(refusal.value)


def test_a_name_is_declared_once():
    with declared(SENT), pytest.raises(ValueError, match="twice"):
        registry.register([Kind("letter.sent", "Something else.")])


SHAPES = [
    (UUID, "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a", "0192f0c12b3c7d4e8f5a6b7c8d9e0f1a"),
    (DIGEST, "sha256:" + "0" * 64, "sha256:" + "0" * 63),
    (TIME, "2026-11-28T09:30:00.123456+00:00", "2026-11-28 09:30"),
    (TIME, "2026-11-28T09:30:00Z", "2026-11-28T09:30:00"),
    (PERSON, "user:7", "agent:pacer"),
    (or_null(PERSON), None, ""),
    (one_of(["yes", "no"]), "no", "maybe"),
    (list_of(COUNT), [1, 2], [1, "2"]),
    (map_of(TEXT), {"a": "b"}, {"a": 1}),
]


@pytest.mark.parametrize(("shape", "good", "bad"), SHAPES)
def test_a_shape_tells_good_from_bad(shape, good, bad):
    with declared(Kind("letter.sent", "A letter was sent.", {"value": shape})):
        registry.check("letter.sent", {"value": good})
        with pytest.raises(MalformedData):
            registry.check("letter.sent", {"value": bad})


@pytest.fixture
def waiting(world):
    return world.propose()


@pytest.fixture
def world(db):
    return worlds.build()


def _as_it_was(proposal):
    kept = Proposal.objects.get(pk=proposal.pk)
    assert (kept.state, kept.updated_at) == (proposal.state, proposal.updated_at)
    assert not Decision.objects.exists()
    assert not Dispatch.objects.exists()
    assert [*Entry.objects.filter(subject=f"proposal:{proposal.pk}").values_list("kind", flat=True)] == [
        "proposal.submitted"
    ]


def test_a_decision_whose_kind_is_unknown_does_not_happen(world, waiting, monkeypatch):
    monkeypatch.delitem(registry._registered, "proposal.decided")
    with pytest.raises(UnknownKind):
        world.approve(waiting)
    _as_it_was(waiting)


def test_a_decision_with_malformed_data_does_not_happen(world, waiting, monkeypatch):
    told = votes.ledger_data
    monkeypatch.setattr(votes, "ledger_data", lambda *args, **facts: told(*args, **facts) | {"mood": "good"})
    with pytest.raises(MalformedData):
        world.approve(waiting)
    _as_it_was(waiting)


def test_a_submission_whose_kind_is_unknown_does_not_happen(world, monkeypatch):
    monkeypatch.delitem(registry._registered, "proposal.submitted")
    with pytest.raises(LedgerError):
        world.propose()
    assert not Proposal.objects.exists()


@pytest.mark.django_db
def test_entries_of_kinds_and_data_of_before_verify():
    with declared(SENT):
        record("letter.sent", {"pages": 2})
    while sequencer.sequence(most=100):
        pass
    with declared(Kind("letter.sent", "A letter was sent.", {"sheets": COUNT})):
        assert walk.whole().fault is None
    assert walk.whole().fault is None

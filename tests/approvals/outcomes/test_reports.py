"""People say what a shipped action did: recorded with their name, and corrected by a later report."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from approvals.errors import InvalidProposal, NotEligible, StateConflict
from approvals.models import Outcome, Proposal
from approvals.outcomes import reports
from audit.clock import database_now
from audit.models import Entry
from tests import world as worlds
from tests.approvals.lifecycle.test_life import ship
from tests.proofs import assert_invariants_hold
from tests.world import OWNER, World, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def reporter(world: World) -> User:
    return worlds.person("reporter", OWNER, permissions=("report_outcome",))


@pytest.fixture
def shipped(world: World) -> Proposal:
    proposal = world.propose()
    world.approve(proposal)
    ship(world)
    return Proposal.objects.get(pk=proposal.pk)


def report(proposal: Proposal, by: User, **fields: Any) -> Outcome:
    said = {"kind": Outcome.Kind.MEASURED, "metric": "CPA", "value": 12.5, "unit": "USD", "note": ""}
    at = fields.pop("observed_at", None) or database_now()
    return reports.report_as_person(proposal_id=proposal.pk, by=by, observed_at=at, **said | fields)


def address(proposal: Proposal) -> str:
    return f"/admin/approvals/proposal/{proposal.pk}/outcome/"


def test_a_report_keeps_who_made_it_and_is_in_the_ledger(shipped, reporter):
    outcome = report(shipped, reporter, kind=Outcome.Kind.INCIDENT, metric="Incident", note="Budget was overspent.")
    assert (outcome.reported_by, outcome.reported_by_name, outcome.kind) == (reporter, "reporter", "incident")
    entry = Entry.objects.get(kind="outcome.reported")
    assert (entry.actor_name, entry.subject) == ("reporter", f"proposal:{shipped.pk}")
    assert entry.data["outcome"] == str(outcome.pk) and entry.data["kind"] == "incident"
    assert_invariants_hold()


def test_a_later_report_corrects_an_earlier_one_once(shipped, reporter):
    first = report(shipped, reporter)
    second = report(shipped, reporter, value=14, corrects=first.pk)
    assert (first.correction, second.corrects, Outcome.objects.count()) == (second, first, 2)
    with pytest.raises(InvalidProposal, match="already"):
        report(shipped, reporter, value=15, corrects=first.pk)
    third = report(shipped, reporter, value=15, corrects=second.pk)
    assert Entry.objects.filter(data__corrects=str(second.pk)).get().data["outcome"] == str(third.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        Outcome.objects.filter(pk=first.pk).update(value=1)
    assert_invariants_hold()


def test_a_report_of_another_proposal_cannot_be_corrected_here(world, shipped, reporter):
    other = world.propose()
    world.approve(other)
    ship(world)
    first = report(shipped, reporter)
    with pytest.raises(InvalidProposal, match="no such report"):
        report(other, reporter, corrects=first.pk)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"observed_at": timedelta(hours=1)}, "/observed_at"),
        ({"observed_at": timedelta(days=-1)}, "/observed_at"),
        ({"metric": " "}, "/metric"),
        ({"kind": Outcome.Kind.COMPLAINT}, "/note"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(shipped, reporter, fields, place):
    if "observed_at" in fields:
        fields = {"observed_at": database_now() + fields["observed_at"]}
    with pytest.raises(InvalidProposal) as refused:
        report(shipped, reporter, **fields)
    assert [fault.pointer for fault in refused.value.errors] == [place]
    assert Outcome.objects.count() == 0


def test_without_the_permission_or_before_it_shipped_nothing_is_recorded(world, shipped, reporter):
    with pytest.raises(NotEligible):
        report(shipped, world.owner)
    with pytest.raises(StateConflict):
        report(world.propose(), reporter)
    stranger = worlds.person("stranger", permissions=("report_outcome",))
    with pytest.raises(Proposal.DoesNotExist):
        report(shipped, stranger)
    assert signed_in(world.owner).get(address(shipped)).status_code == 403
    assert signed_in(stranger).get(address(shipped)).status_code == 404
    assert Outcome.objects.count() == 0


def test_the_form_records_an_incident_and_its_correction(shipped, reporter):
    client = signed_in(reporter)
    page = client.get(f"/admin/approvals/proposal/{shipped.pk}/").content.decode()
    assert address(shipped) in page
    now = database_now().strftime("%Y-%m-%dT%H:%M:%S")
    sent = {"kind": "incident", "metric": "", "value": "", "unit": "", "observed_at": now, "note": ""}
    assert "Say what happened." in client.post(address(shipped), sent).content.decode()
    page = client.post(address(shipped), sent | {"note": "Sent twice."}, follow=True).content.decode()
    assert "Sent twice." in page and "reported by reporter" in page
    first = Outcome.objects.get()
    form = client.get(address(shipped), {"corrects": first.pk}).content.decode()
    assert "Sent twice." in form and f'value="{first.pk}"' in form
    sent |= {"kind": "measured", "metric": "Sends", "value": "1", "note": "Only once.", "corrects": str(first.pk)}
    page = client.post(address(shipped), sent, follow=True).content.decode()
    assert "corrected below" in page and "corrects an earlier report" in page
    assert [row.value for row in Outcome.objects.order_by("id")] == [1, 1]


def test_a_measured_result_needs_its_value(shipped, reporter):
    sent = {"kind": "measured", "metric": "CPA", "value": "", "observed_at": "2026-01-01T10:00"}
    page = signed_in(reporter).post(address(shipped), sent).content.decode()
    assert "Enter what was measured, as a number." in page
    assert Outcome.objects.count() == 0

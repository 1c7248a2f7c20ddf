"""A real stream of sales leads through a running portal with an executor, every row accounted for."""

import json
import re
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from approvals.models import Dispatch, Proposal
from approvals.shipping import delivery
from audit.models import Entry
from hitlportal.demo import executor
from hitlportal.demo.memory import Folder, Memory
from policies.models import Surface, Tier
from policies.registry import bootstrap, signing_secrets
from tests import world as worlds
from tests.world import person

STREAM = settings.BASE_DIR.parent / "shared" / "data" / "streams" / "leads_consent.jsonl"
MAP = settings.BASE_DIR / "docs" / "examples" / "leads_consent.map.json"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.skipif(not STREAM.exists(), reason="the stream of leads is not here"),
]


@pytest.fixture
def folder(tmp_path, live_server, settings, unused_port) -> Folder:
    """Run an executor that the sample surfaces ship to, without the half hour's hold."""
    settings.SITE_URL = live_server.url
    memory = Memory(
        portal=live_server.url,
        executor_port=unused_port,
        executor_secret=signing_secrets.new(),
        audience=bootstrap.CONNECTOR,
    )
    bootstrap.bootstrap(
        connector_url=f"http://127.0.0.1:{unused_port}/actions",
        connector_secret=memory.executor_secret,
        with_starter=False,
    )
    # Looser than the sample, so that what the agent is sure of ships by itself.
    Surface.objects.filter(slug="email.lifecycle").update(tier="monitored", floor="autopilot")
    monitored = Tier.objects.get(slug="monitored")
    monitored.hold, monitored.sample_rate = timedelta(0), 0
    monitored.save()
    worlds.publish()
    folder = Folder(tmp_path)
    server = executor.serve(memory, folder, handles={("email.lifecycle", "contact"): {"execute"}})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


def contacts() -> list[dict]:
    rows = [json.loads(line) for line in STREAM.read_text().splitlines()]
    return [row for row in rows if row["action"] == "contact"]


def replay(live_server, key: str, *words: str) -> None:
    where = ("--url", live_server.url, "--key", key)
    call_command("play_stream", str(STREAM), *where, "--map", str(MAP), "--only", "action=contact", *words)


def test_every_lead_is_accounted_for(live_server, folder, capsys):
    person("olga")
    call_command("create_agent", "lead-scorer", "--owner", "olga", "--surface", "email.lifecycle:batch")
    key = re.search(r"hitl_\S+", capsys.readouterr().out)[0]
    worlds.trust("lead-scorer", "email.lifecycle", "monitored")

    replay(live_server, key)
    out = capsys.readouterr().out
    rows = contacts()
    assert f"lines {len(rows)}" in out
    told = {state: int(number) for state, number in re.findall(r"^state (\w+) (\d+)$", out, re.MULTILINE)}
    assert sum(told.values()) == len(rows) == 1033

    confident = {row["subject_id"] for row in rows if row["confidence"] >= 0.85}
    assert told == {"approved": len(confident), "pending": len(rows) - len(confident)}

    replay(live_server, key, "--only", "do_not_email=true")
    assert "proposed before 37" in capsys.readouterr().out
    assert Proposal.objects.count() == len(rows)

    while delivery.ship_due():
        pass
    assert_every_row_is_where_it_belongs(rows, confident)
    assert_executed_once(folder, confident)
    call_command("check_invariants")


def assert_every_row_is_where_it_belongs(rows: list[dict], confident: set[str]) -> None:
    stored = {proposal.targets[0].removeprefix("lead:"): proposal for proposal in Proposal.objects.all()}
    assert set(stored) == {row["subject_id"] for row in rows}
    for row in rows:
        proposal = stored[row["subject_id"]]
        assert proposal.state == ("shipped" if row["subject_id"] in confident else "pending")
        assert proposal.tags == (["do_not_email"] if row["do_not_email"] else [])
        assert proposal.confidence == row["confidence"]
    assert Dispatch.objects.filter(status="delivered").count() == Dispatch.objects.count() == len(confident)
    kinds = Counter(Entry.objects.filter(subject__startswith="proposal:").values_list("kind", flat=True))
    assert kinds == {
        "proposal.submitted": len(rows),
        "dispatch.claimed": len(confident),
        "proposal.shipped": len(confident),
    }


def assert_executed_once(folder: Folder, confident: set[str]) -> None:
    lines = [json.loads(line) for line in Path(folder.journal).read_text().splitlines()]
    assert Counter(line["payload"]["lead"]["id"] for line in lines) == dict.fromkeys(confident, 1)
    assert len({line["message"] for line in lines}) == len(lines)

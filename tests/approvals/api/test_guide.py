"""`docs/api.md` does as it says: its commands are run, its examples are compared with what really goes out."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from standardwebhooks import Webhook

from approvals.api import filters
from approvals.models import Callback, Dispatch, Proposal
from hitlportal import errors
from policies.models import Agent, Connector
from policies.registry import agents
from tests import world as worlds
from tests.approvals.api.conftest import Api
from tests.world import World

GUIDE = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
# Each answer on a line of its own, with its status before it.
CURL = """curl() { command curl -sS --max-time 20 -w '\\n%{http_code}\\n' "$@"; }\n"""


def run(block: str, **variables: str) -> list[tuple[int, Any]]:
    """Run one block of the guide; return status and JSON of each of its requests."""
    script = CURL + re.sub(r"^export .*$", "", block, flags=re.MULTILINE).replace("wait=30", "wait=1")
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.split("\n")[:-1]
    return [
        (int(status), json.loads(body) if body else None) for body, status in zip(lines[::2], lines[1::2], strict=True)
    ]


def block(text: str) -> str:
    """The one block of the guide that says `text`."""
    (found,) = [one for one in SHELL if text in one]
    return found


def test_every_block_of_the_shell_is_run() -> None:
    assert {block("/surfaces/"), block("$ETAG"), block("/claim/")} == set(SHELL)


@needs_curl
@pytest.mark.django_db(transaction=True)
def test_the_first_proposal_and_the_wait_go_as_they_say(live_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    worlds.build()
    (words,) = re.findall(r"`manage\.py create_agent (.+)`", GUIDE)
    call_command("create_agent", *words.replace("pacer", "pacer-of-the-guide").split())
    key = re.search(r"hitl_\S+", capsys.readouterr().out)
    assert key is not None
    mine = {"URL": f"{live_server.url}/api/v1", "KEY": key[0]}

    (listed, surfaces), (submitted, shown) = run(block("/surfaces/"), **mine)
    assert (listed, [row["slug"] for row in surfaces["results"]]) == (200, ["ads.budget"])
    assert (submitted, shown["state"]) == (201, "pending")
    assert run(block("/surfaces/"), **mine)[1] == (201, shown), "its Idempotency-Key repeats the answer"

    api = Api(Client(), {"Authorization": f"Bearer {key[0]}"})
    tag = api.get(f"proposals/{shown['id']}/")["ETag"]
    assert run(block("$ETAG"), ID=shown["id"], ETAG=tag, **mine) == [(304, None)]
    assert run(block("$ETAG"), ID=shown["id"], ETAG='"old"', **mine) == [(200, shown)]


@needs_curl
@pytest.mark.django_db(transaction=True)
def test_the_pull_connector_goes_as_it_says(live_server: Any) -> None:
    world = worlds.build()
    runner = Agent.objects.create(slug="runner", name="Runner", owner=world.owner)
    world.connector = Connector.objects.create(slug="crm", kind="pull", executor=runner)
    world.surface("crm.segments")
    world.approve(world.propose("crm.segments"))
    known = {
        "URL": f"{live_server.url}/api/v1",
        "EXECUTOR_KEY": agents.issue_key(agent=runner, by=None).text,
        "DISPATCH": str(Dispatch.objects.get().pk),
    }
    (claimed, claim), (reported, dispatch) = run(block("/claim/"), **known)
    (said,) = re.findall(r"200: \{(.*), …\}", GUIDE)
    assert (claimed, reported, dispatch["status"]) == (200, 200, "delivered")
    assert set(re.findall(r'"([\w-]+)"', said)) <= claim.keys()
    assert Proposal.objects.get().state == "shipped"


@pytest.fixture
def told(world: World) -> Callback:
    """The callback of an approval."""
    world.agent.callback_hosts = ["agents.example.com"]
    world.agent.save()
    world.approve(world.propose(callback_url="https://agents.example.com/hooks/hitl"))
    return Callback.objects.get()


def test_the_callback_has_the_form_that_is_shown(told: Callback) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert form(json.loads(shown)) == form(json.loads(bytes(told.body)))


def form(value: Any) -> Any:
    """Names and kinds of values, and how times are written."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in value.items()}
    is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-].*)", value)
    return f"a time that ends in {is_time[2]}" if is_time else type(value).__name__


def test_the_callback_is_verified_as_shown(world: World, told: Callback) -> None:
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "message =" in one]
    secret, body, at = world.agent.callback_secret, bytes(told.body).decode(), datetime.now(UTC)
    headers = {
        "webhook-id": str(told.pk),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(str(told.pk), at, body),
    }
    known: dict[str, Any] = {"secret": secret, "body": body, "headers": headers}
    exec(code, known)
    assert known["message"] == json.loads(body)


def test_every_call_that_it_names_is_described(agent: Api) -> None:
    document = agent.get("schema/").json()
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    named = re.findall(r"`(GET|POST) (…/)?([a-z/{}]+/)`", GUIDE)
    assert len(named) > 4
    for method, is_short, path in named:
        whole = f"{method} /api/v1/{'proposals/{proposal_id}/' if is_short else ''}{path}"
        assert whole in described, whole


def test_every_filter_is_named() -> None:
    (said,) = re.findall(r"Filters: (.*?); one\s", GUIDE, re.DOTALL)
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(filters.FILTERS)


def test_every_code_has_its_status() -> None:
    said = {
        code: int(status)
        for status, codes in re.findall(r"^\| (\d{3}) \| (.*?) \|", GUIDE, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    for error, kind in errors.KINDS.items():
        code = kind.code or error.code
        assert said[code] == kind.status, code

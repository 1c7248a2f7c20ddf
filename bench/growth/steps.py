"""What requests and sweeps do in a portal with a past: submit, decide, ship, the desk, a timeline, idle sweeps."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, Final
from uuid import UUID

from django.test import Client
from django.utils.module_loading import import_string

from approvals.models import Proposal
from approvals.shipping import claims, dispatches
from bench import data, decide
from bench.environment import BEHIND_PROXY
from bench.growth import lives, meter
from bench.growth.past import Past
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes.beat.looks import Looks
from policies.models import Agent, Connector
from policies.registry import agents

ROUNDS: Final = 60
PAGES: Final = 25
IDLE: Final = 25
WARM_UP: Final = 5
WHOLE: Final = ("verify_ledger", "recount_trust")
"""These read everything there is, once an hour and once a day: that is what they are for."""
NAMES: Final = ("submit", "decide", "ship", "desk", "timeline", "idle")


@dataclass(slots=True)
class Steps:
    """Takes each step often, in turn; a variant changes the portal, or what is submitted, before."""

    past: Past
    target: str = ""
    """What every submission names; empty for a target of its own for each."""
    callback_url: str = ""
    agent: str = lives.AGENT
    rounds: int = ROUNDS
    pages: int = PAGES
    _made: list[UUID] = field(default_factory=list)
    _key: str = ""

    def measure(self, *, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the figures of each step by its name; `prefix` tells its submissions from others."""
        agent = Agent.objects.get(pk=self.agent)
        issued = agents.issue_key(agent=agent, by=None)
        self._key = issued.text
        person = decide.client_of(self.past.person)
        warm_up = Steps(self.past, self.target, self.callback_url, self.agent, _key=self._key)
        for step in (*warm_up.submits(f"{prefix}w", WARM_UP), *warm_up.decides(person), *warm_up.ships()):
            step()
        found = {
            "submit": meter.measured(self.submits(prefix, self.rounds)),
            "decide": meter.measured(self.decides(person)),
            "ship": meter.measured(self.ships()),
        }
        rest()
        found["desk"] = meter.measured(_pages(person, ["/admin/desk/"] * (self.pages + 2)))
        found["timeline"] = meter.measured(_pages(person, self._timelines()))
        found["idle"] = _idle()
        # An agent has no more than two keys.
        agents.revoke_key(key=issued.key, by=agent.owner)
        print(f"  {self.past.proposals} {prefix}: {found}", file=sys.stderr, flush=True)
        return found

    def submits(self, prefix: str, number: int) -> Iterator[meter.Step]:
        """Submit over the API, as an agent does."""
        client = Client(headers={**BEHIND_PROXY, "Authorization": f"Bearer {self._key}"})
        for count in range(number + 1):
            serial = f"{prefix}-{count}"
            body = _body(serial, self.target or f"campaign:{serial}", count)
            if self.callback_url:
                body["callback_url"] = self.callback_url
            yield partial(self._submit, client, body, serial)

    def _submit(self, client: Client, body: dict[str, Any], serial: str) -> None:
        answer = client.post(
            "/api/v1/proposals/",
            json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": serial},
        )
        if answer.status_code != 201:
            raise RuntimeError(f"A submission was answered {answer.status_code}: {answer.content!r}")
        self._made.append(UUID(answer.json()["id"]))

    def decides(self, person: Client) -> Iterator[meter.Step]:
        """Approve over the API what was submitted."""
        for proposal in Proposal.objects.filter(pk__in=self._made).select_related("revision").order_by("id"):
            yield partial(decide.approve, person, proposal)

    def ships(self) -> Iterator[meter.Step]:
        """Claim and complete, as a worker does, but for the network."""
        return iter([_ship] * len(self._made))

    def _timelines(self) -> list[str]:
        """Return pages of proposals from the middle of what has shipped, each with its whole history."""
        middle = Proposal.objects.filter(state="shipped", agent_id=self.agent).order_by("created_at")
        some = middle[self.past.proposals // 4 // _agents() :][: self.pages + 2].values_list("pk", flat=True)
        return [f"/admin/approvals/proposal/{one}/" for one in some]


def rest() -> None:
    """Let the sweeps do what there is to do."""
    while sum(import_string(work.path)(most=work.most_in_sweep) for work in _works()):
        pass


def _works() -> list[Any]:
    return [work for sweep in SWEEPS if not sweep.task.endswith(WHOLE) for work in sweep.work]


def _idle() -> dict[str, Any]:
    """Return what beat's look at everything and all sweeps cost that find nothing, and each by itself."""
    looks = Looks(SWEEPS)
    looks.due()  # puts its questions together
    work: dict[str, Callable[[], object]] = {"beat": partial(_look, looks)}
    work |= {one.path.rpartition(".")[2]: partial(import_string(one.path), most=one.most_in_sweep) for one in _works()}
    each: dict[str, list[float]] = {name: [] for name in work}

    def sweep() -> None:
        for name, act in work.items():
            server, python = meter.server_seconds(), time.process_time()
            act()
            each[name].append(time.process_time() - python + meter.server_seconds() - server)

    sweep()
    whole = meter.measured([sweep] * (IDLE + 1))
    return {**whole, "cpu_ms_of": {name: round(median(used) * 1000, 2) for name, used in each.items()}}


def _look(looks: Looks) -> None:
    """Look whether anything of any sweep is due."""
    for sweep in SWEEPS:
        looks.again(sweep)
    looks.due()


def _agents() -> int:
    return max(1, Agent.objects.filter(slug__startswith="agent-").count())


def _pages(client: Client, addresses: list[str]) -> Iterator[meter.Step]:
    """Open pages; the first is a warm-up."""
    _open(client, addresses[0])
    for address in addresses[1:]:
        yield partial(_open, client, address)


def _open(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} was answered {answer.status_code}")


def _ship() -> None:
    claim = claims.claim_next(worker="bench", kind=Connector.Kind.WEBHOOK)
    assert claim is not None, "as many are due as were approved"
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True}, http_status=200)


def _body(serial: str, target: str, count: int) -> dict[str, Any]:
    amount = round(3000 + count / 100, 2)
    payload = {**data.ACTION["payload"], "from": serial, "amount": amount}
    about = {"surface": lives.SURFACE, "title": f"Measured: move budget of {serial}"}
    return {**data.ACTION, **about, "payload": payload, "amount": amount, "targets": [target]}

"""The review desk with 1,000,000 proposals of which 20,000 wait: open it, decide, decide on 200 at once.

The floor is Django's stock admin over as many rows: its list, its change form saved and loaded again, its action on 200
rows. It is measured before and after the desk.
"""

import gzip
import json
import re
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.lifecycle.submission import submit
from approvals.models import Proposal
from bench import data
from bench import submit as submit_row
from bench.fill import fill
from bench.load import percentile
from policies.models import Agent

PROPOSALS: Final = 1_000_000
PENDING: Final = 20_000
VIEWS: Final = 40
DECISIONS: Final = 40
BATCH: Final = 200
HTMX: Final = {"HX-Request": "true"}


def measure() -> dict[str, Any]:
    """Return figures of the desk, and what they are to the stock admin's.

    `page_ratio` is p95 to its list's p95, `decide_ratio` a decision with the next proposal to its save and load, and
    `batch_ratio` 200 in one go to one of its saves.
    """
    submit_row.prepare_floor()
    data.fresh_portal()
    before = _stock()
    submit(agent=Agent.objects.get(), draft=data.draft())
    fill(PROPOSALS, pending=PENDING)
    client = _reviewer()
    first = _timed(client, "/admin/desk/")[1]
    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/desk/")
        queries = len(captured)  # the next request forgets them
    views = [_timed(client, "/admin/desk/")[0] for _ in range(VIEWS)]
    decisions = _decide(client, first)
    batch = _batch(client)
    return {
        **_ratios([before, _stock()], views=views, decisions=decisions, batch=batch),
        "p95_ms": round(percentile(views, 0.95) * 1000, 1),
        "median_ms": round(percentile(views, 0.5) * 1000, 1),
        "queries": queries,
        "decide_p95_ms": round(percentile(decisions, 0.95) * 1000, 1),
        "decide_median_ms": round(percentile(decisions, 0.5) * 1000, 1),
        "batch_200_s": round(batch, 2),
        "asset_kib": round(_assets(first) / 1024, 1),
        "proposals": PROPOSALS,
        "pending": PENDING,
    }


def _stock() -> dict[str, Any]:
    return dict(json.loads(submit_row.on_floor("bench.floor.stock", str(PROPOSALS))))


def _ratios(stock: list[dict[str, Any]], *, views: list[float], decisions: list[float], batch: float) -> dict[str, Any]:
    lists = [milliseconds for each in stock for milliseconds in each["list_ms"]]
    saves = [milliseconds for each in stock for milliseconds in each["save_ms"]]
    list_p95, save_p95 = percentile(lists, 0.95), percentile(saves, 0.95)
    return {
        "page_ratio": round(percentile(views, 0.95) * 1000 / list_p95, 2),
        "decide_ratio": round(percentile(decisions, 0.95) * 1000 / save_p95, 2),
        "batch_ratio": round(batch * 1000 / median(saves), 1),
        "stock_list_p95_ms": round(list_p95, 1),
        "stock_save_p95_ms": round(save_p95, 1),
        "stock_save_median_ms": round(median(saves), 1),
        "stock_action_200_s": round(median(each["action_200_ms"] for each in stock) / 1000, 2),
    }


def _reviewer() -> Client:
    person = User.objects.create_user("reviewer", is_staff=True)
    person.groups.set(Group.objects.filter(name__in=["Marketing manager", "Finance", data.OWNER]))
    client = Client(headers={"X-Forwarded-Proto": "https"})
    client.force_login(person)
    return client


def _timed(client: Client, address: str, **options: Any) -> tuple[float, str]:
    begun = time.perf_counter()
    answer = client.get(address, **options)
    took = time.perf_counter() - begun
    return took, _text(answer)


def _text(answer: Any) -> str:
    if answer.status_code != 200:
        raise RuntimeError(f"The desk was answered {answer.status_code}")
    return str(answer.content, "utf-8")


def _decide(client: Client, page: str) -> list[float]:
    """Approve what the desk shows, as its form does, and take up what comes next; return the seconds each took."""
    took = []
    for _ in range(DECISIONS):
        form = _approval(page)
        begun = time.perf_counter()
        answer = client.post(form.pop("action"), form, headers=HTMX)
        took.append(time.perf_counter() - begun)
        page = _text(answer)
    return took


def _approval(page: str) -> dict[str, str]:
    """Return the address and the fields of the form that approves."""
    form = re.search(r'<form[^>]*action="([^"]+)"[^>]*class="approve".*?</form>', page, re.DOTALL)
    if form is None:
        raise RuntimeError("The desk offers nothing to approve.")
    hidden = dict(re.findall(r'<input type="hidden" name="(revision|digest)" value="([^"]+)"', form[0]))
    return {"action": form[1], "verdict": "approve", **hidden}


def _batch(client: Client) -> float:
    """Approve 200 alike at once; return the seconds until the result is there."""
    alike = Proposal.objects.filter(state="pending", tier="batch", surface=data.SURFACE)
    rows = alike.select_related("revision")[:BATCH]
    shown = [f"{row.pk}:{row.revision.number}:{row.revision.digest}" for row in rows]
    items = {"step": "approve_now", "comment": "All alike.", "shown": shown, "item": shown}
    begun = time.perf_counter()
    answer = client.post("/admin/desk/batch/", items, follow=True)
    took = time.perf_counter() - begun
    page = _text(answer)
    if Proposal.objects.filter(pk__in=[row.pk for row in rows], state="approved").count() != BATCH:
        raise RuntimeError(f"Not all of the batch was approved: {page[:2000]}")
    return took


def _assets(page: str) -> int:
    """Return the bytes of the scripts and styles that the page asks for, compressed as they are sent."""
    names = set(re.findall(r'(?:href|src)="/static/([^"?]+\.(?:css|js))', page))
    total = 0
    for name in names:
        path = finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", name))
        if path is None:
            raise RuntimeError(f"The page asks for {name}, which is not there.")
        total += len(gzip.compress(Path(path).read_bytes()))
    return total

"""The admin's list of proposals, with 100,000 of them."""

import time
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.lifecycle.submission import submit
from bench import data
from bench.fill import fill
from bench.load import percentile
from policies.models import Agent

PROPOSALS = 100_000
VIEWS = 40
PAGES = (
    "/admin/approvals/proposal/",
    "/admin/approvals/proposal/?p=3",
    "/admin/approvals/proposal/?q=Search",
    f"/admin/approvals/proposal/?surface__slug__exact={data.SURFACE}",
)


def measure() -> dict[str, Any]:
    """Return `queries` (the most of any page), `p95_ms` and `median_ms` over pages, filters and search."""
    data.fresh_portal()
    submit(agent=Agent.objects.get(), draft=data.draft())
    fill(PROPOSALS)
    client = Client(headers={"X-Forwarded-Proto": "https"})
    client.force_login(User.objects.create_superuser("root"))
    for page in PAGES:
        _view(client, page)
    queries = []
    for page in PAGES:
        with CaptureQueriesContext(connection) as captured:
            _view(client, page)
        queries.append(len(captured))
    took = [_view(client, page) for _ in range(VIEWS // len(PAGES)) for page in PAGES]
    return {
        "queries": max(queries),
        "p95_ms": round(percentile(took, 0.95) * 1000, 1),
        "median_ms": round(median(took) * 1000, 1),
        "proposals": PROPOSALS,
    }


def _view(client: Client, page: str) -> float:
    begun = time.perf_counter()
    answer = client.get(page)
    took = time.perf_counter() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"{page} was answered {answer.status_code}")
    return took

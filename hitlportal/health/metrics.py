"""Figures for a monitor, in Prometheus' text format."""

import secrets
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals.figures import lag
from hitlportal.health import health
from policies.models import KillSwitch

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer anyone who has the token of METRICS_TOKEN; for everybody else there is nothing here."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    given = token.strip().encode()
    if not expected or scheme.lower() != "bearer" or not secrets.compare_digest(given, expected.encode()):
        raise Http404
    return HttpResponse(text(), content_type=CONTENT_TYPE)


def text() -> str:
    """Return the figures. Raises django.db.Error if the database does not answer."""
    lags = lag.measure_all()
    parts = {name: int(health.state_of(name) == health.OK) for name in health.CHECKS}
    stopped = KillSwitch.objects.filter(is_engaged=True).count()
    ages = [(f'kind="{one.kind}"', one.seconds) for one in lags]
    rows = [(f'kind="{one.kind}"', one.rows) for one in lags]
    families: list[tuple[str, str, Sequence[tuple[str, float]]]] = [
        ("hitl_due_oldest_seconds", "Age of the oldest work that is due.", ages),
        ("hitl_due_rows", "Work that is due and not taken up.", rows),
        ("hitl_part_ready", "Whether a part the portal needs works.", [(f'part="{k}"', v) for k, v in parts.items()]),
        ("hitl_kill_switches_engaged", "Kill switches that are engaged.", [("", stopped)]),
    ]  # fmt: skip
    return "".join(_family(name, help_text, samples) for name, help_text, samples in families)


def _family(name: str, help_text: str, samples: Sequence[tuple[str, float]]) -> str:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
    lines += [f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}" for labels, value in samples]
    return "\n".join(lines) + "\n"

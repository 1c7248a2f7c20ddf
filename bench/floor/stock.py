"""`python -m bench.floor.stock ROWS`: the stock admin over so many proposals; prints one JSON object.

Its list, its change form saved and loaded again, and its action on 200 rows. Rows are made where there are none.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django

VIEWS, SAVES, BATCH = 20, 20, 200
ADDRESS = "/admin/floor/proposal/"
FILL = """
INSERT INTO floor_proposal (reference, agent, surface, action, title, rationale, evidence, metrics, confidence, amount,
       currency, payload, targets, tags, callback_url, state, tier, owner, deadline_at, created_at, updated_at)
SELECT n::text, 'pacer', 'ads.budget', 'shift_budget', 'Move $' || n || ' from Search to Social',
       'Social CPA is 31 %% lower this week.', '[]', '[]', 0.93, n %% 9000, 'USD',
       jsonb_build_object('from', 'search', 'to', 'social', 'amount', n %% 9000), ARRAY['campaign:' || n],
       ARRAY['financial'], '', CASE WHEN n %% 50 = 0 THEN 'pending' ELSE 'shipped' END, 'single', 'Channel owner',
       now() + interval '1 day', now() - n * interval '20 seconds', now()
  FROM generate_series(1, %s) AS n"""


def main(rows: int) -> dict[str, Any]:
    """Measure; each figure is a list of milliseconds, in the order in which they came."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # Django is set up only now
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from bench.floor.models import Proposal  # noqa: PLC0415

    if not Proposal.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(FILL, [rows])
            cursor.execute("ANALYZE")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(is_superuser=True))
    newest = list(Proposal.objects.order_by("-pk").values_list("pk", flat=True)[: BATCH + SAVES])

    def save(pk: int) -> None:
        form = {"title": f"Moved {pk}", "rationale": "", "amount": "12", "currency": "USD", "state": "approved"}
        more = {"tier": "single", "owner": "Channel owner", "payload": '{"amount": 12}', "_continue": "1"}
        answer = client.post(f"{ADDRESS}{pk}/change/", form | more, follow=True)
        if answer.status_code != 200 or not answer.redirect_chain:
            raise RuntimeError(f"The change was answered {answer.status_code}.")

    def act() -> None:
        answer = client.post(ADDRESS, {"action": "approve", "_selected_action": newest[SAVES:]}, follow=True)
        if answer.status_code != 200 or not answer.redirect_chain:
            raise RuntimeError(f"The action was answered {answer.status_code}.")

    client.get(ADDRESS)
    save(newest[0])
    return {
        "list_ms": [_took(partial(client.get, ADDRESS)) for _ in range(VIEWS)],
        "save_ms": [_took(partial(save, pk)) for pk in newest[:SAVES]],
        "action_200_ms": _took(act),
    }


def _took(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(int(sys.argv[1]))))

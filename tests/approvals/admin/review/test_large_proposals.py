"""How large a proposal may be and still open quickly and be readable."""

import re
from typing import Any

import pytest
from django.core.cache import cache

from tests import world as worlds
from tests.approvals.cards.test_cards import drawn, page, signed_in
from tests.costs import Stopwatch

pytestmark = pytest.mark.django_db

MEBIBYTE = 1024 * 1024
ROWS = [
    {"lead": str(number), "fields": {"job_title": f"Title {number % 40}", "country": "DE", "company": None}}
    for number in range(10_000)
]
KNOWN = {"rows": [{"lead": row["lead"], "fields": {"job_title": "", "company": "Old"}} for row in ROWS]}
FIELDS = {f"field {number}": {"a": number, "b": "x" * (number % 50)} for number in range(2_500)}
LARGE: dict[str, tuple[str, Any, Any]] = {
    "one text of a mebibyte": ("fields", {"text": "word " * (MEBIBYTE // 5)}, {"text": "other " * (MEBIBYTE // 6)}),
    "an e-mail of a mebibyte": ("email", {"html": "<p>A paragraph {{ x }}</p>" * (MEBIBYTE // 26)}, None),
    "an e-mail of nothing but tags": ("email", {"html": "<div>" * (MEBIBYTE // 5)}, {"html": "<b>" * (MEBIBYTE // 3)}),
    "5,000 fields": ("fields", FIELDS, {name: {"a": 1, "b": "x"} for name in FIELDS}),
    "5,000 weights": ("scoring", {"weights": {f"w{number}": number for number in range(5_000)}}, None),
    "10,000 rows": ("enrichment", {"rows": ROWS, "source": "registry"}, KNOWN),
}
# At most 0.7 s of a processor that does nothing else.
MOST_SECONDS = 2.0
MOST_HTML = 400_000


@pytest.mark.parametrize("name", LARGE)
def test_a_large_proposal_opens_quickly_and_is_readable(name: str) -> None:
    cache.clear()
    world = worlds.build()
    client = signed_in(world.owner)
    card, payload, before = LARGE[name]
    proposal = drawn(world, card, payload, before)
    places = ["", "preview/"] if card == "email" else [""]
    for place in places:
        times = []
        for _ in range(3):
            watch = Stopwatch()  # the work of the server, however busy the machine is with other things
            page(client, proposal, place)
            times.append(watch.seconds)
        assert min(times) < MOST_SECONDS, (place, times)
    found = page(client, proposal)
    assert len(found) < MOST_HTML
    assert "payload.json" in found
    assert re.search("more (fields|characters)|, in the raw payload|drawn by lot", found)

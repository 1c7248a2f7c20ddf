"""Small things that the demo's agents propose all day: most pass by themselves, people see the rest. Data only."""

from collections.abc import Iterator
from typing import Any, Final

from hitlportal.demo.scenario.acts import Act
from hitlportal.demo.scenario.cast import DESK, KEEPER, PACER, WRITER

_HEADLINES: Final = (
    ("Find your winter coat", "Your winter coat is waiting"),
    ("New boots for wet days", "Boots that like the rain"),
    ("Scarves, soft and warm", "Soft scarves for cold mornings"),
)


def acts(number: int) -> Iterator[Act]:
    """Yield one of each kind, a little different for each number."""
    yield creative(number)
    yield _refund(number)
    yield _routing(number)
    yield _bids(number)
    yield _clean_up(number)
    yield _reply(number)


def creative(number: int = 0) -> Act:
    """Return a variant of a running advertisement, which ships by itself after its hold."""
    old, new = _HEADLINES[number % len(_HEADLINES)]
    campaign = f"winter-{number % len(_HEADLINES) + 1}"

    def advertisement(headline: str) -> dict[str, Any]:
        return {
            "campaign": campaign,
            "kind": "variant",
            "headline": headline,
            "text": "Free delivery, and thirty days to send it back.",
            "landing_page": f"https://shop.example/{campaign}",
        }

    return Act(
        "creative",
        WRITER,
        {
            "surface": "ads.creatives",
            "action": "change_creative",
            "title": f"Try the headline “{new}”",
            "rationale": "The headline has run for three weeks and is clicked less each day.",
            "evidence": [{"label": "Clicks, first and third week", "value": "2.1 % vs 1.3 %"}],
            "metrics": [{"name": "Clicks", "current": 1.3, "projected": 1.9, "unit": "%"}],
            "confidence": 0.94,
            "payload": advertisement(new),
            "before": advertisement(old),
            "rollback": advertisement(old),
            "targets": [f"creative:{campaign}"],
        },
    )


def _refund(number: int) -> Act:
    amount = 20 + 35 * (number % 4)
    order, customer = f"A-{48200 + number}", f"C-{7100 + number}"
    return Act(
        "refund",
        DESK,
        {
            "surface": "support.refunds",
            "action": "job.refund.process",
            "title": f"Refund ${amount} for order {order}",
            "rationale": "The parcel came back unopened.",
            "evidence": [{"label": "Return", "value": "scanned in the warehouse"}],
            "confidence": 0.96,
            "estimated_cost": amount,
            "currency": "USD",
            "payload": {"order": order, "customer": customer, "amount": amount, "paid": 125, "reason": "returned"},
            "targets": [f"customer:{customer}"],
        },
    )


def _routing(number: int) -> Act:
    lead, is_exception = f"{9100 + number}", number % 4 == 0
    owner = ("Ana", "Ben", "Chris")[number % 3]
    return Act(
        "lead routing",
        KEEPER,
        {
            "surface": "leads.routing",
            "action": "assign_owner",
            "title": f"Give lead {lead} to {owner}",
            "rationale": "Two owners share this territory." if is_exception else "One owner has this territory.",
            "confidence": 0.95,
            "payload": {
                "lead": lead,
                "to": owner,
                "rule": "territory",
                "owners_that_fit": 2 if is_exception else 1,
                "is_customer": False,
                "employees": 40 + number % 300,
                "country": "DE",
            },
            "rollback": {
                "lead": lead,
                "to": "unassigned",
                "rule": "territory",
                "owners_that_fit": 1,
                "is_customer": False,
            },
            "targets": [f"lead:{lead}"],
        },
    )


def _bids(number: int) -> Act:
    was = 0.8 + number % 5 / 10
    bid = round(was * (1.1 if number % 3 else 1.4), 2)

    def bids(old: float, new: float) -> dict[str, Any]:
        return {"campaign": "search-brand", "changes": [{"target": f"keyword {number}", "was": old, "bid": new}]}

    return Act(
        "bids",
        PACER,
        {
            "surface": "ads.bids",
            "action": "change_bids",
            "title": f"Bid ${bid:.2f} for keyword {number}",
            "rationale": "It sells above average and is shown in the fourth place.",
            "metrics": [{"name": "Place", "current": 4.1, "projected": 2.8}],
            "confidence": 0.93,
            "payload": bids(round(was, 2), bid),
            "rollback": bids(bid, round(was, 2)),
            "targets": [f"keyword:{number}"],
        },
    )


def _clean_up(number: int) -> Act:
    rows = [{"record": str(3000 + 5 * number + index), "fields": {"country": "DE"}} for index in range(5)]
    old = [{"record": row["record"], "fields": {"country": "Germany"}} for row in rows]
    return Act(
        "clean-up",
        KEEPER,
        {
            "surface": "crm.hygiene",
            "action": "clean_up",
            "title": f"One spelling of the country in {len(rows)} records",
            "rationale": "Reports count Germany and DE apart.",
            "confidence": 0.97,
            "payload": {"change": "format", "records": len(rows), "rows": rows},
            "before": {"rows": old},
            "rollback": {"change": "format", "records": len(rows), "rows": old},
            "targets": [f"record:{row['record']}" for row in rows],
        },
    )


def _reply(number: int) -> Act:
    ticket, customer = f"T-{5200 + number}", f"C-{6300 + number}"
    return Act(
        "reply",
        DESK,
        {
            "surface": "support.replies",
            "action": "send_reply",
            "title": f"Answer ticket {ticket}: where is my parcel?",
            "rationale": "The carrier has scanned it this morning.",
            "confidence": 0.9,
            "payload": {
                "ticket": ticket,
                "customer": customer,
                "channel": "email",
                "topic": "delivery",
                "reply": "Your parcel was scanned this morning and should be with you tomorrow. Sorry for the wait.",
                "promises": ["arrives tomorrow"],
            },
            "targets": [f"ticket:{ticket}"],
        },
    )

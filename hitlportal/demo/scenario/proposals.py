"""Proposals of the demo's agents. Data only: no network, no database, no clock."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

from hitlportal.demo.scenario import daily_work, letters
from hitlportal.demo.scenario.acts import Act
from hitlportal.demo.scenario.cast import PACER, SCOUT, WRITER

# The agent asks for an earlier decision than the surface gives, and the Executive is called as much earlier: after
# three minutes, so that somebody who tries the portal decides first and does not wait long; in a rehearsal after five
# seconds.
PRICE_WITHIN: Final = timedelta(minutes=54)
REHEARSED_WITHIN: Final = timedelta(seconds=90)


def opening() -> list[Act]:
    """Return the four proposals with which the demo begins, one for each fate."""
    return [daily_work.creative(), _budget(4000), replace(_price(), within=PRICE_WITHIN), _without_mandate()]


def rehearsed() -> list[Act]:
    """Return the opening with a price that does not wait long, and a second price for which nobody is called."""
    shortened = [replace(act, within=REHEARSED_WITHIN) if act.within else act for act in opening()]
    return [*shortened, _price("team price", "team", was=79, now=69, cost=21.0)]


def further() -> Iterator[Act]:
    """Yield proposals without end, each a little different from the one before."""
    for number in count(1):
        yield _budget(500 * (number % 7 + 1), number=number)
        yield _journey(number)
        yield _enrichment(number)
        yield _segment(number)
        yield _scoring(number)
        yield _email(number=number)
        yield from daily_work.acts(number)


def _email(*, number: int = 0) -> Act:
    segments = (("lapsed 30 days", 1840), ("trial ends this week", 412), ("no order since spring", 2630))
    segment, size = segments[number % len(segments)]
    letter, last_time = letters.win_back(segment, size)
    return Act(
        "email",
        WRITER,
        {
            "surface": "email.lifecycle",
            "action": "send_email",
            "title": f"Win-back e-mail to {size:,} people: {segment}",
            "rationale": "The last three mails of this kind brought 4 % back, and nobody complained.",
            "evidence": [{"label": "Came back, last 3 mails", "value": "4.1 %, 3.8 %, 4.4 %"}],
            "metrics": [{"name": "Come back", "current": 0.0, "projected": 4.0, "unit": "%"}],
            "confidence": 0.94,
            "payload": letter,
            "before": last_time,
            "targets": [f"segment:{segment.replace(' ', '-')}"],
        },
    )


def _budget(amount: int, *, number: int = 0) -> Act:
    source, goal = (("search", "social"), ("display", "search"), ("social", "video"))[number % 3]
    spent = {"search": 20000, "social": 8000, "display": 12000, "video": 3000}

    def content(moved: int) -> dict[str, Any]:
        return {
            "payload": {"from": source, "to": goal, "amount": moved},
            "before": spent,
            "rollback": {"from": goal, "to": source, "amount": moved},
            "amount": moved,
            "confidence": 0.93,
        }

    return Act(
        "budget",
        PACER,
        {
            "surface": "ads.budget",
            "action": "shift_budget",
            "title": f"Move ${amount:,} from {source.title()} to {goal.title()}",
            "rationale": f"A customer from {goal.title()} costs 31 % less this week, at the same order value.",
            "trigger": {"event": "daily_pacing"},
            "evidence": [
                {"label": "Cost per customer, 7 days", "value": "12.40 vs 18.10 USD"},
                {"label": "Budget used by noon", "value": f"{source.title()} 38 %, {goal.title()} 71 %"},
            ],
            "metrics": [{"name": "Cost per customer", "current": 18.1, "projected": 14.9, "unit": "USD"}],
            "expected_outcome": {"metric": "Cost per customer", "low": 13.5, "high": 16.0},
            "currency": "USD",
            "targets": [f"campaign:{source}", f"campaign:{goal}"],
            "tags": ["pacing"],
            "model": {"name": "pacer-1"},
            **content(amount),
        },
        second={**content(amount // 2), "note": "Half of it, as you asked."},
    )


def _price(name: str = "price", sku: str = "starter", *, was: int = 29, now: int = 24, cost: float = 9.5) -> Act:
    return Act(
        name,
        SCOUT,
        {
            "surface": "pricing.catalog",
            "action": "change_price",
            "title": f"Lower the {sku} plan from ${was} to ${now}",
            "rationale": f"Two competitors went to ${now + 1} this month, and one trial in five leaves over the price.",
            "evidence": [
                {"label": "Competitors", "value": f"{now + 1}.00 and {now}.50 USD"},
                {"label": "Trials that left because of the price", "value": "21 %"},
            ],
            "metrics": [{"name": "Trials that stay", "current": 9.5, "projected": 11.2, "unit": "%"}],
            "expected_outcome": {"metric": "Trials that stay", "low": 10.4, "high": 12.0},
            "confidence": 0.96,
            "currency": "USD",
            "payload": {
                "sku": sku,
                "price": now,
                "cost": cost,
                "valid_from": "2030-01-01",
                "valid_until": "2030-06-30",
            },
            "before": {"sku": sku, "price": was, "cost": cost},
            "targets": [f"sku:{sku}"],
        },
    )


def _without_mandate() -> Act:
    return Act(
        "segment",
        SCOUT,
        {
            "surface": "crm.segments",
            "action": "change_segment",
            "title": "Send everybody who looked at prices to the ads platform",
            "rationale": "They are likely to buy.",
            "confidence": 0.97,
            "payload": {
                "segment": "looked at prices",
                "conditions": [{"field": "page", "operator": "contains", "value": "/pricing"}],
                "estimated_size": 18400,
                "sync_to": ["ads_platform"],
            },
        },
    )


def _segment(number: int) -> Act:
    days, size = 15 * (number % 4 + 2), 6200 + 730 * (number % 4)
    country = {"field": "country", "operator": "is", "value": "DE"}
    viewed = {"field": "page", "operator": "contains", "value": "/pricing"}

    def segment(visited: int, people: int) -> dict[str, Any]:
        seen = {"field": "last_visit", "operator": "within_days", "value": visited}
        return {"segment": "ready to talk", "conditions": [viewed, country, seen], "estimated_size": people}

    return Act(
        "segment change",
        WRITER,
        {
            "surface": "crm.segments",
            "action": "change_segment",
            "title": f"Ready to talk: visited prices within {days} days",
            "rationale": "Who came back within this time answered twice as often.",
            "confidence": 0.86,
            "payload": {
                **segment(days, size),
                "sync_to": ["email_system", "ads_platform"],
                "sample": [
                    {"company size": "50 to 200", "country": "DE", "visits": 4},
                    {"company size": "under 50", "country": "DE", "visits": 2},
                ],
                "overlaps": [{"segment": "trial ends this week", "size": 190 + number % 9}],
            },
            "before": {**segment(14, 5400), "sync_to": ["email_system"]},
            "targets": ["segment:ready-to-talk"],
        },
    )


def _scoring(number: int) -> Act:
    weights = {"prices_visited": 12, "demo_watched": 18, "newsletter": 4, "free_mail_address": -15, "student": -20}
    new = {**weights, "prices_visited": 14 + number % 6, "newsletter": 2, "free_mail_address": -10, "webinar": 8}
    return Act(
        "scoring",
        SCOUT,
        {
            "surface": "leads.scoring",
            "action": "change_weights",
            "title": "Score visits to the prices higher, newsletters lower",
            "rationale": "Of the last 900 leads, those who looked at prices bought three times as often.",
            "confidence": 0.79,
            "payload": {"model": "inbound leads", "weights": new, "threshold": 40},
            "before": {"model": "inbound leads", "weights": weights, "threshold": 45},
            "targets": ["model:inbound-leads"],
        },
    )


def _journey(number: int) -> Act:
    hours = 12 * (number % 6 + 1)

    def steps(wait: int) -> list[dict[str, Any]]:
        return [
            {"name": "signs up", "kind": "entry"},
            {"name": "first mail", "kind": "email", "template": "welcome-1"},
            {"name": "second mail", "kind": "email", "template": "welcome-2", "wait_hours": wait},
            {"name": "has bought?", "kind": "branch", "condition": "an order within 7 days"},
            {"name": "reminder", "kind": "email", "template": "welcome-3", "wait_hours": 72},
        ]

    return Act(
        "journey",
        WRITER,
        {
            "surface": "journeys.lifecycle",
            "action": "change_wait",
            "title": f"Wait {hours} hours before the second welcome mail",
            "rationale": "People who open the first mail late get the second one too early.",
            "confidence": 0.82,
            "payload": {
                "journey": "welcome",
                "change": "change_wait",
                "step": "second mail",
                "wait_hours": hours,
                "steps": steps(hours),
            },
            "before": {"journey": "welcome", "step": "second mail", "wait_hours": 18, "steps": steps(18)},
            "targets": ["journey:welcome"],
        },
    )


def _enrichment(number: int) -> Act:
    people = (
        ("Head of Growth", "Marketing", "Marketing"),
        ("CTO", "IT", ""),
        ("Einkaufsleiterin", "Purchasing", "Purchase"),
        ("Sales Director", "Sales", "Sales"),
    )
    leads = [str(4700 + 24 * number + index) for index in range(24)]
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for index, lead in enumerate(leads):
        title, department, known = people[index % len(people)]
        new.append({"lead": lead, "fields": {"job_title": title, "department": department}})
        old.append({"lead": lead, "fields": {"job_title": "", "department": known}})
        if index % 6 == 0:  # “Other” says nothing, so it is emptied
            new[-1]["fields"]["industry"] = None
            old[-1]["fields"]["industry"] = "Other"
    return Act(
        "enrichment",
        SCOUT,
        {
            "surface": "leads.enrichment",
            "action": "write_fields",
            "title": f"Job titles and departments of {len(leads)} leads",
            "rationale": "Read on the companies' own websites.",
            "confidence": 0.88,
            "payload": {"rows": new, "source": "company_website"},
            "before": {"rows": old},
            "targets": [f"lead:{lead}" for lead in leads],
        },
    )

"""The review page: what the checks found is marked, the checklist is ticked, conflicts stand side by side."""

import pytest

from approvals.models import Assessment, Proposal
from approvals.presentation.marks import Part, parts, spans
from approvals.shipping import claims, dispatches
from tests import world as worlds
from tests.world import World, person, signed_in

pytestmark = pytest.mark.django_db
GUARDRAIL = {"surfaces": [], "paths": [], "config": {}, "effect": "flag", "tier": None, "text": "No guarantees."}
FORBIDDEN = GUARDRAIL | {"kind": "forbidden_phrases", "config": {"phrases": ["<b>guaranteed", "for ever"]}}
CHECKLIST = GUARDRAIL | {"kind": "checklist", "text": "Does not <promise> a date."}


@pytest.fixture
def world() -> World:
    return worlds.build()


def page(world: World, proposal: Proposal, who=None) -> str:
    answer = signed_in(who or world.owner).get(f"/admin/approvals/proposal/{proposal.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_spots_are_marked_and_everything_is_escaped(world):
    world.enforce(guardrails={"promises": FORBIDDEN})
    proposal = world.propose(
        content={"payload": {"note": "It is <b>guaranteed</b>", "list": ["a & b", "for ever & ever"]}}
    )
    html = page(world, proposal)
    assert "It is <mark>&lt;b&gt;guaranteed</mark>&lt;/b&gt;" in html
    assert "a &amp; b, <mark>for ever</mark> &amp; ever" in html
    assert "What the checks found" in html
    assert "<b>guaranteed" not in html


def test_approving_wants_the_ticks(world):
    world.enforce(guardrails={"dates": CHECKLIST})
    proposal = world.propose()
    Assessment.objects.create(
        revision=proposal.revision,
        item="dates",
        answer="no",
        quotation="by <Friday>",
        model_name="m",
        at=proposal.created_at,
    )
    html = page(world, proposal)
    assert "Does not &lt;promise&gt; a date." in html
    assert "by &lt;Friday&gt;" in html
    sent = {"verdict": "approve", "revision": 1, "digest": proposal.revision.digest}
    client, url = signed_in(world.owner), f"/admin/approvals/proposal/{proposal.pk}/decide/"
    refused = client.post(url, sent)
    assert refused.status_code == 200
    assert "Tick first: Does not &lt;promise&gt; a date." in refused.content.decode()
    assert Proposal.objects.get().state == "pending"
    assert client.post(url, sent | {"checklist": ["dates"]}).status_code == 302
    assert Proposal.objects.get().state == "approved"
    assert Proposal.objects.get().decisions.get().ticked == ["dates"]


def test_edit_and_approve_wants_them_too(world):
    world.surface("crm.segments", "single", editor_may_approve=True)
    world.enforce(guardrails={"dates": CHECKLIST})
    proposal = world.propose("crm.segments")
    sent = {"revision": 1, "digest": proposal.revision.digest, "as": "json", "rest": '{"amount": 1}', "approve": "1"}
    client, url = signed_in(world.owner), f"/admin/approvals/proposal/{proposal.pk}/edit/?as=json"
    assert "Tick first" in client.post(url, sent).content.decode()
    assert Proposal.objects.get().state == "pending"
    assert client.post(url, sent | {"checklist": ["dates"]}).status_code == 302
    assert Proposal.objects.get().state == "approved"


def test_conflicts_stand_side_by_side_and_tell_nothing_that_is_not_theirs(world):
    world.surface("legal.terms", "single")
    world.enforce(surfaces={"legal.terms": {"owner": "Legal"}}, requirements=[])
    person("lea", "Legal")
    first = world.propose("legal.terms", title="The <first> one", targets=("lead:1",))
    second = world.propose(title="The second one", targets=("lead:1",))
    html = page(world, second)
    assert "Conflicting proposal" in html
    assert "a surface you can’t see" in html
    assert "first" not in html
    both = page(world, second, person("boss", permissions=("view_all_proposals", "view_proposal")))
    assert "The &lt;first&gt; one" in both
    assert f"/admin/approvals/proposal/{first.pk}/" in both
    world.decide(second, "reject", reason_code="too_risky")
    assert "Conflicting proposal" not in page(world, second)


@pytest.mark.parametrize("place", ["/admin/desk/{}/", "/admin/approvals/proposal/{}/"])
def test_who_decides_reads_first_that_another_one_is_live(world, place):
    first = world.propose(title="First", targets=("lead:1",))
    second = world.propose(title="Second", targets=("lead:1",))

    def decide_box() -> str:
        html = signed_in(world.owner).get(place.format(second.pk)).content.decode()
        return html[html.index('id="decide-heading"') :].partition("</section>")[0]

    told = 'Another proposal names the same target. <a href="#conflicts-heading">'
    assert told in decide_box().partition("<form")[0]
    assert 'id="conflicts-heading"' in signed_in(world.owner).get(place.format(second.pk)).content.decode()

    world.approve(first)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    assert "Another proposal names the same target." not in decide_box()


def test_several_rivals_stand_beside_this_proposal_once(world):
    first = world.propose(title="First", targets=("lead:1", "lead:2"))
    others = [world.propose(title=f"Other {target}", targets=(target,)) for target in ("lead:1", "lead:2")]
    html = page(world, first)
    conflicts = html[html.index('id="conflicts-heading"') :].partition("</section>")[0]
    assert conflicts.count("This proposal") == 1
    assert conflicts.count("The other one") == 2
    for other in others:
        side = conflicts[conflicts.index(other.title) :].partition("</div>")[0]
        assert f'<span class="tag">{other.targets[0]}</span>' in side


def test_what_is_said_several_times_is_said_once(world):
    world.enforce(guardrails={"promises": FORBIDDEN | {"config": {"phrases": ["for ever", "guaranteed"]}}})
    first = world.propose(title="First", targets=("lead:1",))
    for title in ("Second", "Third"):
        world.propose(title=title, targets=("lead:1",))
    html = page(world, first)
    assert html.count("Conflicts with another proposal for the same target.") <= 1

    last = world.propose(
        title="Last", targets=("lead:1",), content={"payload": {"text": "Guaranteed", "more": "for ever"}}
    )
    html = page(world, last)
    assert html.count("Conflicts with another proposal for the same target.") == 1
    assert "(3 times)" in html
    sentence = "“guaranteed” must not be said."
    assert html.count(sentence) == 1
    found = html[html.index("What the checks found") :]
    assert "<q>Guaranteed</q>" in found


@pytest.mark.parametrize(
    ("text", "marked", "expected"),
    [
        pytest.param("abc", [], [Part("abc")], id="nothing"),
        pytest.param("abc", [(0, 3)], [Part("abc", True)], id="everything"),
        pytest.param(
            "abcd", [(1, 3), (2, 9)], [Part("a"), Part("bc", True), Part("d", True)], id="overlapping-past-the-end"
        ),
        pytest.param("a\u200bb", [(1, 2)], [Part("a"), Part("⟨U+200B⟩", True), Part("b")], id="hidden"),
        pytest.param("", [(0, 1)], [Part("")], id="empty"),
    ],
)
def test_parts(text, marked, expected):
    assert parts(text, marked) == expected


def test_spans_survive_pointers_that_lead_nowhere():
    findings = [
        {"at": "/a/9", "start": 0, "end": 1},
        {"at": "/b~1c", "start": 1, "end": 2},
        {"at": "", "start": 0, "end": 0},
    ]
    assert spans({"a": ["x"], "b/c": "xy"}, findings) == {"b/c": [(1, 2)]}

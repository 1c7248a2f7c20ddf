"""The publish page, the rule form, and the other tables of the policy in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from policies.models import Guardrail, Limit, PolicyTest, PolicyVersion, Requirement, Rule, Surface, Tier
from policies.publishing import publish
from policies.registry import mandates
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db
PUBLISH = "/admin/policies/publish/"
ADD = "/admin/policies/rule/add/"
RULE = {"slug": "large", "is_enabled": "on", "decision": "require_approval", "condition": "amount > 100"}


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def text(answer: Any) -> str:
    return answer.content.decode()


def errors(answer: Any) -> str:
    return str(answer.context["adminform"].form.errors)


def test_the_page_shows_words_problems_tests_and_versions(root: Client, world: World) -> None:
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch")
    Rule.objects.create(slug="typo", decision="deny", condition="amont > 5")
    page = text(root.get(PUBLISH))
    assert "<code>ads.budget</code>: tier single → batch: less oversight" in page
    assert "/admin/policies/rule/typo/change/" in page
    assert "(line 1, column 1)" in page
    assert "Fix what is listed above first." in page
    assert "in force" in page

    Rule.objects.all().delete()
    PolicyTest.objects.create(slug="batched", facts={"surface": "ads.budget"}, outcome="require_approval", tier="batch")
    page = text(root.get(PUBLISH))
    assert "1 test passes" in page
    assert "<details>" in page, "what passes is folded"
    assert "Replay the last 30 days" in page
    assert "This relaxes the policy" in page
    assert "Ask a second person" in page


def test_two_people_on_the_page(root: Client, world: World) -> None:
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch")
    digest = root.get(PUBLISH).context["draft"].digest
    page = text(root.post(PUBLISH, {"do": "publish", "seen": digest}, follow=True))
    assert "Say why" in page
    page = text(root.post(PUBLISH, {"do": "publish", "seen": digest, "note": "Batches will do."}, follow=True))
    assert "needs a second person" in page
    assert "You asked for this" in page
    second = Client()
    second.force_login(worlds.publishers()[1])
    page = second.get(PUBLISH)
    assert "Batches will do." in text(page)
    assert "<code>ads.budget</code>: tier single → batch: less oversight" in text(page)
    agreed = second.post(PUBLISH, {"do": "agree", "loosening": page.context["waiting"][0]["row"].pk}, follow=True)
    assert "Agreed, and done: Publish the policy." in text(agreed)
    assert publish.active_policy().surfaces["ads.budget"].tier.slug == "batch"
    page = text(root.get(PUBLISH))
    assert "No unpublished changes." in page
    version = PolicyVersion.objects.get(number=publish.active_version().number)
    assert f'<td data-label="Asked by">{version.asked_by}</td>' in page
    assert f'<td data-label="Agreed by">{version.agreed_by}</td>' in page
    assert (version.asked_by, version.agreed_by) == ("root", worlds.publishers()[1].username)


def test_a_failing_test_is_open_and_those_that_pass_are_not_counted(root: Client, world: World) -> None:
    facts = {"surface": "ads.budget"}
    PolicyTest.objects.create(slug="holds", facts=facts, outcome="require_approval")
    PolicyTest.objects.create(slug="fails", facts=facts, outcome="deny")
    page = text(root.get(PUBLISH))
    assert "<details open>" in page
    assert "1 fails; it is listed above." in page
    assert "tests pass" not in page


def test_what_was_agreed_to_is_named_in_words(root: Client, world: World) -> None:
    asker, second = worlds.publishers()
    surface, tier = world.surfaces["ads.budget"], Tier.objects.get(pk="monitored")
    mandates.give(agent=world.agent, surface=surface, tier=Tier.objects.get(pk="signature"), by=asker)
    asked = mandates.give(agent=world.agent, surface=surface, tier=tier, by=asker, note="Earned.")
    client = Client()
    client.force_login(second)
    page = text(client.post(PUBLISH, {"do": "agree", "loosening": asked.pk}, follow=True))
    assert "Agreed, and done: Give an agent less oversight (" in page
    assert "on ads.budget: least oversight signature → monitored)." in page


def test_only_what_loosens_nothing_is_ticked_and_said_to_be(root: Client, world: World) -> None:
    sentence = "What loosens nothing is ticked"
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch")
    Rule.objects.create(slug="never", surfaces=["ads.*"], decision="deny", condition="amount > 1000000")
    assert sentence in text(root.get(PUBLISH))
    Surface.objects.filter(slug="ads.budget").update(tier_id="single")
    assert sentence not in text(root.get(PUBLISH))


@pytest.mark.parametrize(
    "sent", [{}, {"do": "fly"}, {"do": "agree"}, {"do": "agree", "loosening": "7"}, {"do": "activate", "version": "x"}]
)
def test_what_makes_no_sense_changes_nothing(root: Client, world: World, sent: dict[str, str]) -> None:
    before = PolicyVersion.objects.count()
    assert root.post(PUBLISH, sent).status_code == 302
    assert PolicyVersion.objects.count() == before


def test_a_rule_is_tried_and_not_saved(root: Client, world: World) -> None:
    large, small = (world.propose(content={"payload": {}, "amount": amount}) for amount in (4000, 5))
    page = root.post(ADD, RULE | {"reason": "Over {amount}.", "_try": "1", "_proposal": str(large.pk)})
    assert "It holds for this proposal." in text(page)
    assert "Over 4,000." in text(page)
    assert "amount &gt; 100" in text(page)
    assert "does not hold" in text(root.post(ADD, RULE | {"_try": "1", "_proposal": str(small.pk)}))
    bare = world.propose()
    assert "amount is missing" in text(root.post(ADD, RULE | {"_try": "1", "_proposal": str(bare.pk)}))
    assert "Choose a proposal" in text(root.post(ADD, RULE | {"_try": "1", "_proposal": "nonsense"}))
    assert not Rule.objects.exists()
    assert root.post(ADD, RULE).status_code == 302
    assert Rule.objects.get().condition == "amount > 100"
    page = root.post("/admin/policies/rule/large/change/", RULE | {"condition": "amount > 3", "_try": "1"})
    assert page.status_code == 200
    assert Rule.objects.get().condition == "amount > 100"


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"condition": "amont > 100"}, "Line 1, column 1: There is no fact amont. Did you mean amount?"),
        ({"condition": "amount >"}, "Line 1"),
        ({"decision": "deny", "tier": "single"}, "does not go with deny"),
        ({"decision": "allow", "tier": "single"}, "does not go with allow"),
        ({"reason": "Over {money}."}, "cannot be filled in"),
        (
            {"requirements": '[{"stage": 1, "name": "law", "role": "Legal"}]'},
            "No one has the Legal role yet. Assign someone first.",
        ),
        ({"requirements": '[{"who": "me"}]'}, "Each row is a table"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_place(root: Client, typed: dict[str, str], complaint: str) -> None:
    answer = root.post(ADD, RULE | typed)
    assert answer.status_code == 200
    assert complaint in errors(answer)
    assert not Rule.objects.exists()


def test_the_facts_stand_beside_the_condition(root: Client) -> None:
    page = text(root.get(ADD))
    assert "audience_size" in page
    assert "params.weekly_budget" in page


def test_the_other_tables_by_form(root: Client, world: World) -> None:
    worlds.person("lawyer", "Legal")
    limit = {
        "slug": "spend", "is_enabled": "on", "measure": "amount", "per": "surface", "window": "rolling",
        "length": "7 00:00:00", "time_zone": "UTC", "limit": "1000", "effect": "tier", "warning_effect": "flag",
    }  # fmt: skip
    assert "Choose a tier" in errors(root.post("/admin/policies/limit/add/", limit))
    assert "no time zone" in errors(
        root.post("/admin/policies/limit/add/", limit | {"tier": "single", "time_zone": "Mars"})
    )
    assert root.post("/admin/policies/limit/add/", limit | {"tier": "single"}).status_code == 302
    guardrail = {"slug": "hype", "is_enabled": "on", "kind": "forbidden_phrases", "effect": "flag", "text": "No hype."}
    assert "phrases" in errors(root.post("/admin/policies/guardrail/add/", guardrail))
    sent = guardrail | {"config": '{"phrases": ["free"]}'}
    assert root.post("/admin/policies/guardrail/add/", sent).status_code == 302
    needs = {"surface": "ads.budget", "stage": 1, "name": "law", "role": "Legal", "approvals": 2, "denials": 1}
    assert "too few" in errors(root.post("/admin/policies/requirement/add/", needs))
    assert root.post("/admin/policies/requirement/add/", needs | {"approvals": 1}).status_code == 302
    case = {"slug": "small", "facts": '{"surfaces": "ads.budget"}', "outcome": "allow"}
    assert "no fact surfaces" in errors(root.post("/admin/policies/policytest/add/", case))
    assert root.post("/admin/policies/policytest/add/", case | {"facts": '{"surface": "pricing"}'}).status_code == 302
    counts = [model.objects.count() for model in (Limit, Guardrail, Requirement, PolicyTest)]
    assert counts == [1, 1, 1, 1]
    assert {change.thing for change in publish.pending().changes} == {"limit", "guardrail", "requirement", "test"}


def test_the_surface_says_what_oversight_fits(root: Client, world: World) -> None:
    Surface.objects.filter(slug="email.lifecycle").update(has_legal_effect=True)
    page = text(root.get("/admin/policies/surface/email.lifecycle/change/"))
    assert "Tier signature or stricter, floor single or stricter: it has legal effect." in page
    assert "laxer than signature" in page

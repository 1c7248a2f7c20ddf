"""The starter policy: what a new portal already says, and what it leaves alone on an old one."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from audit.models import Entry
from policies import policy_files, samples
from policies.engine import risk
from policies.models import PolicyTest, PolicyVersion, Requirement, Rule, Surface
from policies.publishing import drafts, publish
from policies.publishing.publish import active_policy, active_version
from tests import world as worlds
from tests.world import person

pytestmark = pytest.mark.django_db
SMALL_MOVE = {"surface": "ads.budget", "amount": 400, "currency": "USD"}


@pytest.fixture
def starter_file(tmp_path):
    path = tmp_path / "starter.yaml"
    path.write_text(samples.starter())
    return str(path)


def sections():
    return policy_files.read_files({"starter.yaml": samples.starter()}).sections


def verdict(facts, **params):
    """Return what the policy of the tables says, with `params` on the budget surface."""
    rows = publish.document()
    rows["surfaces"]["ads.budget"]["params"] |= params
    rows["tests"] = {"asked": {"facts": facts, "outcome": "", "tier": "", "deciding": ""}}
    (result,) = drafts.draft_of(rows, base=None).results
    return result.said


def test_a_new_portal_has_it_in_force():
    done = worlds.bootstrap()
    assert not done.is_draft
    assert {key[0] for key in sections()["rules"]} == {rule.slug for rule in active_policy().rules.rules}
    assert not drafts.pending().faults


@pytest.mark.parametrize("surfaces", [["ads.budget"], ["support.*"], []])
def test_one_person_denies_what_it_lets_pass(surfaces):
    worlds.bootstrap()
    Rule.objects.create(
        slug="no-more", decision="deny", surfaces=surfaces, actions=["shift_*"], reason="No more of these."
    )
    published = publish.publish(by=person("editor", permissions=("publish_policy", "ask_loosening")))
    assert published.version == active_version()


def test_lint_says_nothing_about_it(starter_file, capsys):
    worlds.bootstrap()
    call_command("policy", "lint", starter_file)
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.strip().endswith("entries, no problems.")
    assert "\n" not in said.out.strip()


def test_it_passes_its_own_tests(capsys):
    worlds.bootstrap()
    call_command("policy", "test")
    assert f"{len(sections()['tests'])} passed, 0 failed." in capsys.readouterr().out


def test_its_tests_pass_with_a_weekly_budget_too(capsys):
    worlds.bootstrap(weekly_budget=40000)
    call_command("policy", "test")
    assert f"{len(sections()['tests'])} passed, 0 failed." in capsys.readouterr().out


def test_each_rule_is_held_by_a_test_of_its_own():
    """Without any one row that restricts or allows, some test fails, unless it needs the weekly budget."""
    worlds.bootstrap(weekly_budget=40000)
    told_only = {"exclusion-hits-active-shoppers", "exclusion-lifted", "exclusion-of-people-who-agreed",
                 "reply-makes-a-promise", "routing-exception",
                 "refund-over-100", "clean-up-empties-fields", "price-below-cost", "default-sku-changed"}  # fmt: skip
    overlapping = {"budget-over-a-tenth", "budget-over-10000", "budget-adds-up", "small-budget-change"}
    for slug in {key[0] for key in sections()["rules"]} - told_only - overlapping:
        rows = publish.document()
        del rows["rules"][slug]
        failed = [one for one in drafts.draft_of(rows, base=None).results if not one.is_passed]
        assert failed, slug


def test_an_unset_weekly_budget_opens_no_gate():
    done = worlds.bootstrap()
    assert verdict(SMALL_MOVE).startswith("require approval at signature")
    assert verdict(SMALL_MOVE, weekly_budget=40000) == "allow at monitored because of small-budget-change"
    assert verdict(SMALL_MOVE, weekly_budget="40000").startswith("require approval")
    (warning,) = [one for one in drafts.pending().warnings if one.field == "params"]
    assert (warning.id, warning.text.split(".")[0]) == ("ads.budget", "weekly_budget is not set")
    assert not done.is_draft


def test_a_weekly_budget_given_at_the_start_is_in_force(capsys):
    call_command("bootstrap", "--weekly-budget", "40000")
    assert active_policy().surfaces["ads.budget"].params == {"weekly_budget": 40000}
    assert "weekly_budget is not set" not in capsys.readouterr().out


def test_bootstrap_says_what_is_missing(capsys):
    call_command("bootstrap")
    assert "Note: surface ads.budget: weekly_budget is not set." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"amount": 4001}, "require approval at signature because of budget-over-a-tenth", id="tenth"),
        pytest.param({"amount": 4000}, "allow at monitored because of small-budget-change", id="exactly-a-tenth"),
        pytest.param({"amount": -4001}, "require approval at signature because of budget-over-a-tenth", id="sign"),
        pytest.param({"confidence": 0.94}, "require approval at single because of ads.budget", id="not-so-sure"),
        pytest.param(
            {"limits": {"budget-in-a-week": 3700}},
            "require approval at signature because of budget-adds-up", id="small-ones-add-up",
        ),
    ],
)  # fmt: skip
def test_budgets_are_weighed_by_the_weekly_budget(facts, said):
    worlds.bootstrap()
    assert verdict({**SMALL_MOVE, **facts}, weekly_budget=40000) == said


def test_ten_thousand_is_large_however_large_the_weekly_budget_is():
    worlds.bootstrap()
    large = {**SMALL_MOVE, "amount": 10001}
    assert verdict(large, weekly_budget=9_000_000) == "require approval at signature because of budget-over-10000"


def test_nothing_irreversible_is_laxer_than_the_portals_own_advice():
    worlds.bootstrap()
    for surface in Surface.objects.select_related("tier", "floor"):
        advice = risk.advise({name: getattr(surface, name) for name in risk.WORDS})
        found = risk.warnings(advice, tier_rank=surface.tier.rank, floor_rank=surface.floor.rank)
        if surface.is_irreversible or surface.slug != "leads.enrichment":
            assert found == (), surface.slug


def test_a_policy_in_force_stays_and_the_starter_policy_is_a_draft():
    worlds.bootstrap(with_starter=False)
    done = worlds.bootstrap()
    assert done.is_draft
    assert PolicyVersion.objects.count() == 1
    assert not active_policy().rules
    assert Rule.objects.count() == len(sections()["rules"])
    assert Entry.objects.filter(kind="policy.drafted").count() == 1


def test_an_edited_row_stays_and_a_removed_one_does_not_come_back():
    worlds.bootstrap()
    edited = Rule.objects.get(slug="refund-over-100")
    edited.condition = "amount > 50"
    edited.save()
    Rule.objects.get(slug="bid-jumps").delete()
    Requirement.objects.get(surface="crm.suppression", name="legal").delete()
    lines = {f"{line.thing} {line.name}": line for line in worlds.bootstrap().lines}
    assert lines["rule refund-over-100"].differs
    assert lines["rule bid-jumps"].left_out == "It was removed."
    assert Rule.objects.get(slug="refund-over-100").condition == "amount > 50"
    assert not Rule.objects.filter(slug="bid-jumps").exists()
    assert not Requirement.objects.filter(surface="crm.suppression", name="legal").exists()


def test_approvals_that_people_chose_get_none_beside_them():
    worlds.bootstrap(with_starter=False)
    Requirement.objects.create(surface_id="pricing.catalog", name="money", role_id="Finance")
    worlds.bootstrap()
    assert list(Requirement.objects.filter(surface="pricing.catalog").values_list("name", flat=True)) == ["money"]


def test_a_test_that_fails_with_the_tables_of_an_old_portal_is_left_out():
    worlds.bootstrap(with_starter=False)
    Surface.objects.filter(slug="support.refunds").update(is_enabled=False)
    for role in Group.objects.all():
        User.objects.create_user(role.name.lower().replace(" ", "-")).groups.add(role)
    lines = worlds.bootstrap().lines
    assert "refund-of-100-passes" in {line.name for line in lines if line.left_out}
    assert not PolicyTest.objects.filter(slug="refund-of-100-passes").exists()
    assert not drafts.pending().faults


def test_running_it_again_changes_nothing():
    worlds.bootstrap()
    before = Entry.objects.count()
    again = worlds.bootstrap()
    assert not any(line.is_made or line.differs or line.left_out for line in again.lines)
    assert Entry.objects.count() == before

"""`manage.py policy`: what it prints, its exit codes, and that it only ever makes drafts."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from policies.models import Activation, KillSwitch, PolicyTest, PolicyVersion, Requirement, Rule, Surface, Tier
from tests import world as worlds

pytestmark = pytest.mark.django_db

SHORT = """\
version: v1
rules:
  - id: require-approval-over-100
    match: {topics: [job.refund.process], risk_tags: [financial]}
    condition: "estimated_cost > 100"
    decision: require_approval
    reason: "Refunds over $100 require human approval"
"""


@pytest.fixture(autouse=True)
def portal():
    return worlds.bootstrap(with_starter=False)


@pytest.fixture
def write(tmp_path):
    def _write(text, name="policy.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return _write


def code_of(*args):
    """Return the exit code of a command."""
    try:
        call_command("policy", *args)
    except SystemExit as exit_:
        return exit_.code
    except CommandError as error:
        return error.returncode
    return 0


def test_the_short_form_of_a_rule(write, capsys):
    assert code_of("lint", write(SHORT)) == 0
    assert capsys.readouterr().out == "1 entry, no problems, 1 warning.\n"
    assert code_of("plan", write(SHORT)) == 2
    assert capsys.readouterr().out == "+ rule require-approval-over-100\n1 difference.\n"
    assert code_of("apply", write(SHORT)) == 0
    rule = Rule.objects.get()
    assert (rule.topics, rule.any_tags) == (["job.refund.process"], ["financial"])
    assert (rule.condition, rule.decision, rule.tier) == ("estimated_cost > 100", "require_approval", None)
    capsys.readouterr()
    assert code_of("plan", write(SHORT)) == 0
    assert capsys.readouterr().out == "No difference.\n"


def test_applying_makes_a_draft_and_publishes_nothing(write, portal):
    activations = Activation.objects.count()
    assert code_of("apply", write(SHORT)) == 0
    assert PolicyVersion.objects.count() == 1
    assert Activation.objects.count() == activations
    entry = Entry.objects.filter(kind="policy.drafted").get()
    assert entry.data == {"rows": ["add: rule require-approval-over-100"]}
    assert code_of("apply", write(SHORT)) == 0
    assert Entry.objects.filter(kind="policy.drafted").count() == 1
    assert Rule.history.get().history_change_reason == "policy file"


def test_applying_says_who_publishes_and_what_they_are_asked(write, capsys, settings):
    assert code_of("apply", write(SHORT)) == 0
    said = capsys.readouterr().out
    assert "once somebody publishes it in the admin" in said
    assert "second factor" not in said
    settings.REQUIRE_SECOND_FACTOR = frozenset({"publish"})
    assert code_of("apply", write(SHORT.replace("100", "200"))) == 0
    assert "Anyone who publishes is asked for their second factor there." in capsys.readouterr().out


def test_a_plan_says_what_would_change(write, capsys):
    call_command("policy", "apply", write(SHORT))
    capsys.readouterr()
    changed = SHORT.replace("100", "200").replace("require-approval-over-200", "require-approval-over-100")
    assert code_of("plan", write(changed)) == 2
    assert capsys.readouterr().out == (
        "~ rule require-approval-over-100\n"
        "    condition: estimated_cost > 100 → estimated_cost > 200\n"
        "    reason: Refunds over $100 require human approval → Refunds over $200 require human approval\n"
        "1 difference.\n"
    )
    assert Rule.objects.get().condition == "estimated_cost > 100"


def test_rows_that_no_file_names_stay_unless_they_are_pruned(write, capsys):
    Rule.objects.create(slug="by-hand", decision="deny")
    assert code_of("apply", write(SHORT)) == 0
    assert "Only in the tables, and kept (see --prune): rule by-hand." in capsys.readouterr().out
    assert code_of("plan", "--prune", write(SHORT)) == 2
    assert code_of("apply", "--prune", write(SHORT)) == 0
    assert [rule.slug for rule in Rule.objects.all()] == ["require-approval-over-100"]
    # Sections that no file names are left alone.
    assert Surface.objects.filter(is_enabled=True).count() == 15


def test_pruned_surfaces_are_disabled(write, capsys):
    assert code_of("apply", "--prune", write("version: v1\nsurfaces: []\n")) == 0
    assert not Surface.objects.filter(is_enabled=True).exists()
    assert KillSwitch.objects.count() == 16
    assert code_of("plan", "--prune", write("version: v1\nsurfaces: []\n")) == 0


def test_what_is_in_use_is_not_pruned_and_nothing_else_is_applied(write, capsys):
    text = SHORT + "tiers:\n  - {id: single, name: One, rank: 30, posture: in, review: single}\n"
    assert code_of("apply", "--prune", write(text)) == 1
    said = capsys.readouterr().err
    assert "The tier signature cannot be removed: it is used by surface ads.bids, surface ads.budget" in said
    assert not Rule.objects.exists()
    assert Tier.objects.count() == 6
    assert Tier.objects.get(slug="single").name == "Individual review"


def test_one_mistake_anywhere_and_nothing_is_applied(write, capsys):
    good, bad = write(SHORT), write("version: v1\nrules:\n  - {id: b, decision: block}\n", "bad.yaml")
    for subcommand in ("lint", "plan", "apply", "test"):
        assert code_of(subcommand, good, bad) == 1
        assert f"{bad}:3:23: “block” is none of" in capsys.readouterr().err
    assert not Rule.objects.exists()


def test_files_are_merged_and_the_same_id_twice_is_an_error(write, capsys):
    other = SHORT.replace("require-approval-over-100", "another")
    first, second = write(SHORT), write(other, "other.yaml")
    assert code_of("apply", first, second) == 0
    assert Rule.objects.count() == 2
    assert code_of("lint", first, write(SHORT, "twice.yaml")) == 1
    said = capsys.readouterr().err
    assert "twice.yaml:3:9: The rule require-approval-over-100 stands twice, first at " in said
    assert "policy.yaml:3:5" in said


def test_lint_asks_which_roles_there_are_unless_it_is_offline(write, capsys, django_assert_num_queries):
    path = write("version: v1\nrequirements:\n  - {surface: ads.budget, name: money, role: Fynance}\n")
    assert code_of("lint", path) == 1
    assert "There is no role Fynance. Did you mean Finance?" in capsys.readouterr().err
    with django_assert_num_queries(0):
        assert code_of("lint", "--offline", path) == 0


def test_tiers_can_swap_ranks(write):
    path = write(
        "version: v1\ntiers:\n  - {id: batch, name: Batch, rank: 30, posture: in, review: batch}\n"
        "  - {id: single, name: Single, rank: 20, posture: in, review: single}\n"
    )
    assert code_of("apply", path) == 0
    assert list(Tier.objects.values_list("slug", "rank"))[2:4] == [("single", 20), ("batch", 30)]


def test_requirements_and_tests_reach_their_tables(write):
    path = write(
        "version: v1\nrequirements:\n"
        "  - {surface: ads.budget, tier: signature, name: money, role: Finance, approvals: 2}\n"
        "tests:\n  - {id: t, facts: {surface: ads.budget, amount: 5}, expect: {outcome: allow, tier: monitored}}\n"
    )
    assert code_of("apply", path) == 0
    row = Requirement.objects.get()
    assert (row.surface_id, row.tier_id, row.stage, row.role_id, row.approvals) == (
        "ads.budget", "signature", 1, "Finance", 2,
    )  # fmt: skip
    test = PolicyTest.objects.get()
    assert (test.facts, test.outcome, test.tier, test.deciding) == (
        {"surface": "ads.budget", "amount": 5.0}, "allow", "monitored", "",
    )  # fmt: skip


TESTS = """\
tests:
  - id: large-waits
    facts: {surface: ads.budget, tags: [financial], action: job.refund.process, amount: 101}
    expect: {outcome: require_approval, tier: single}
"""


def test_tests_run_on_the_draft_and_leave_it_alone(write, capsys):
    assert code_of("test", write(SHORT + TESTS)) == 0
    assert capsys.readouterr().out == "passed  large-waits\n1 passed, 0 failed.\n"
    assert not Rule.objects.exists()
    assert not PolicyTest.objects.exists()
    assert not Entry.objects.filter(kind="policy.drafted").exists()
    assert code_of("test", write(SHORT + TESTS.replace("tier: single", "tier: signature"))) == 1
    said = capsys.readouterr().out
    assert "FAILED  large-waits\n    Expected the tier signature, got single.\n" in said
    assert "    → " in said


def test_the_tables_own_tests(write, capsys):
    PolicyTest.objects.create(slug="t", facts={"surface": "nowhere"}, outcome="deny")
    assert code_of("test") == 0
    assert "passed  t" in capsys.readouterr().out
    # Those of the tables also hold for files that bring none.
    assert code_of("test", write(SHORT)) == 0
    assert "passed  t" in capsys.readouterr().out


def test_export_and_into_a_file(write, capsys, tmp_path):
    assert code_of("export") == 0
    text = capsys.readouterr().out
    assert code_of("plan", "--prune", write(text)) == 0
    path = write("# Ours.\n" + SHORT)
    Rule.objects.create(slug="b", decision="deny")
    assert code_of("export", "--into", path) == 0
    assert Path(path).read_text(encoding="utf-8").startswith("# Ours.\nversion: v1\nrules:")
    assert code_of("plan", "--prune", path) == 0
    assert code_of("export", "--into", str(tmp_path / "new.yaml")) == 0
    assert code_of("plan", "--prune", str(tmp_path / "new.yaml")) == 0


def test_what_a_file_cannot_say_is_told(capsys):
    Surface.objects.filter(slug="ads.budget").update(params={"budget": 2**60})
    with pytest.raises(CommandError, match="too large to be exact"):
        call_command("policy", "export")


def test_a_file_that_is_not_there(capsys):
    with pytest.raises(CommandError, match=r"nowhere\.yaml: No such file"):
        call_command("policy", "lint", "nowhere.yaml")


def test_the_schema(capsys):
    call_command("policy", "schema")
    assert json.loads(capsys.readouterr().out)["title"] == "HITL Portal policy"

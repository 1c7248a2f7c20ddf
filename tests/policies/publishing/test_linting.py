"""What lint finds: all that publishing refuses, and what is probably not meant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from policies import policy_files
from policies.facts.schema_types import NUMBER, TEXT, forces_presence, forces_type, path_of
from policies.models import Agent, Mandate, Surface
from policies.policy_files import DocumentInvalid, Known, read_files
from policies.publishing import drafts, publish
from policies.publishing.lint import values
from tests import world as worlds

ROOT = Path(__file__).resolve().parents[3]
REFUNDS = """\
version: v1
rules:
  - id: require-approval-over-100
    match:
      topics:
        - job.refund.process
      risk_tags:
        - financial
    condition: "estimated_cost > 100"
    decision: require_approval
    reason: "Refunds over $100 require human approval"

  - id: allow-small-refunds
    match:
      topics:
        - job.refund.process
      risk_tags:
        - financial
    condition: "estimated_cost <= 100"
    decision: allow
"""
SURFACE = """\
version: v1
surfaces:
  - {{id: s, name: S, owner: {owner}, tier: single, floor: autopilot, senior_tier: signature{more}}}
"""


def surface(more: str = "", owner: str = "Marketing manager") -> str:
    return SURFACE.format(owner=owner, more=f", {more}" if more else "")


REFUSED = {
    "deadline": surface("calendar: c, deadline: 24h") + 'calendars: [{id: c, monday: "00:00-00:01", tuesday: "", '
    'wednesday: "", thursday: "", friday: ""}]\n',
    "shelf life": surface("calendar: c, deadline: 10m, shelf_life: 24h") + 'calendars: [{id: c, monday: "00:00-00:01", '
    'tuesday: "", wednesday: "", thursday: "", friday: ""}]\n',
    "endless shelf life": surface("shelf_life: 9999d"),
    "endless deadline": surface("deadline: 9999d"),
    "retention": surface("retention: 99999d"),
    "hold": "version: v1\ntiers: [{id: t, name: T, rank: 11, posture: on, review: none, hold: 9999d}]\n",
    "length": "version: v1\nlimits: [{id: l, measure: count, per: agent, window: rolling, length: 9999d, limit: 1}]\n",
    "tiers": "version: v1\ntiers: [{id: t, name: T, rank: 60, posture: on, review: none}]\n",
    "no tier": "version: v1\nlimits: [{id: l, measure: count, per: agent, window: day, limit: 1, effect: tier}]\n",
    "asks nobody": "version: v1\nrules: [{id: r, decision: require_approval, requirements: "
    "[{name: n, role: Finance, approvals: 0}]}]\n",
    "test": "version: v1\ntests: [{id: t, facts: {surface: ads.budget}, expect: {outcome: deny}}]\n",
    "escalation": "version: v1\nescalations: [{surface: ads.budget, role: Executive, after: 700h}]\n",
    "escalations": "version: v1\nescalations: [{surface: ads.budget, level: 1, role: Finance, after: 2h}, "
    "{surface: ads.budget, level: 2, role: Finance, after: 1h}]\n",
    "nobody": "version: v1\nrequirements: [{surface: ads.budget, name: n, role: Legal, approvals: 1}]\n",
    "rule of nobody": "version: v1\nrules: [{id: r, decision: require_approval, requirements: "
    "[{name: n, role: Legal}]}]\n",
    "escalation to nobody": "version: v1\nescalations: [{surface: ads.budget, role: Legal, after: 1h}]\n",
    "only the owner": "version: v1\nrequirements: [{surface: ads.budget, name: n, role: Finance, approvals: 1}]\n",
    "distinct people": surface("distinct_people: true") + "requirements: [{surface: s, name: a, role: Finance}, "
    "{surface: s, name: b, role: Finance}]\n",
    "condition": 'version: v1\nrules: [{id: r, decision: deny, condition: "amunt > 1"}]\n',
    "reason": 'version: v1\nrules: [{id: r, decision: deny, reason: "{nothing}"}]\n',
    "rule's tier": "version: v1\nrules: [{id: r, decision: deny, tier: single}]\n",
    "guardrail": "version: v1\nguardrails: [{id: g, kind: length, effect: flag, text: T, config: {nothing: 1}}]\n",
    "schema": surface("payload_schema: {type: nothing}"),
    "tag's schema": surface("derived_tags: [{tag: t, if: {type: nothing}}]"),
    "senior tier": surface().replace("senior_tier: signature", "senior_tier: monitored"),
    "time zone": surface("time_zone: Nowhere"),
    "limit's time zone": "version: v1\nlimits: [{id: l, measure: count, per: agent, window: day, limit: 1, "
    "effect: deny, time_zone: Nowhere}]\n",
    "calendar": 'version: v1\ncalendars: [{id: c, monday: "17:00-09:00"}]\n',
    "currency": surface("currency: ZZZ"),
    "limit's currency": "version: v1\nlimits: [{id: l, measure: count, per: agent, window: day, limit: 1, "
    "effect: deny, currency: USD}]\n",
}
"""A file for each reason for which publishing refuses, by what is wrong."""


@pytest.fixture
def portal(db):
    made = worlds.bootstrap(with_starter=False)
    owner = User.objects.create_user("owner")
    owner.groups.add(*(row for row in _groups("Finance", "Executive", "Marketing manager")))
    agent = Agent.objects.create(slug="pacer", name="Pacer", owner=owner)
    Mandate.objects.create(agent=agent, surface_id="ads.budget", tier_id="autopilot")
    return made


def _groups(*names):
    return Group.objects.filter(name__in=names)


def lint(tmp_path, capsys, text: str, *options: str) -> tuple[int, str, str]:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        call_command("policy", "lint", *options, str(path))
    except CommandError as error:
        capsys.readouterr()
        problems = getattr(error.__cause__, "problems", ())
        return 1, "", "\n".join(map(str, problems))
    said = capsys.readouterr()
    return 0, said.out, said.err


@pytest.mark.parametrize("what", REFUSED)
def test_lint_refuses_what_publishing_refuses(portal, tmp_path, capsys, what):
    code, _, said = lint(tmp_path, capsys, REFUSED[what])
    assert code == 1
    assert "p.yaml:" in said
    try:
        policy_files.apply(read_files({"p.yaml": REFUSED[what]}), prune=False)
    except DocumentInvalid:
        return  # it does not even become a draft
    draft = drafts.pending()
    assert draft.faults
    assert [problem.text for problem in draft.problems if problem.text not in said] == []


def test_a_sound_policy_passes_both(portal, tmp_path, capsys):
    code, out, _ = lint(tmp_path, capsys, surface())
    assert (code, out) == (0, "1 entry, no problems.\n")
    policy_files.apply(read_files({"p.yaml": surface()}), prune=False)
    assert not drafts.pending().faults


@pytest.mark.parametrize("options", [(), ("--offline",)])
def test_a_rule_that_nothing_can_match_is_accepted_with_a_warning(portal, tmp_path, capsys, options):
    Surface.objects.filter(slug="support.refunds").update(derived_tags=[])
    code, out, said = lint(tmp_path, capsys, REFUNDS, *options)
    assert (code, out) == (0, "2 entries, no problems, 4 warnings.\n")
    assert "p.yaml:6:9: warning: Nothing here has the topic job.refund.process" in said.replace(str(tmp_path) + "/", "")
    assert said.count("Nothing here carries the tag financial") == 2


def test_a_portal_with_such_a_surface_needs_no_warning(portal, tmp_path, capsys):
    own = surface("derived_tags: [{tag: financial, if: {type: object}}]").replace("id: s,", "id: job.refund.process,")
    text = own + REFUNDS.removeprefix("version: v1\n")
    assert lint(tmp_path, capsys, text)[1:] == ("3 entries, no problems.\n", "")


def test_the_refund_desk_of_a_new_portal_needs_no_warning(db, tmp_path, capsys):
    worlds.bootstrap()
    assert lint(tmp_path, capsys, REFUNDS) == (0, "2 entries, no problems.\n", "")


def test_a_tag_that_only_another_surface_adds_is_a_warning(portal, tmp_path, capsys):
    text = "version: v1\nrules: [{id: r, decision: deny, match: {surfaces: [ads.budget], any_tags: [financial]}}]\n"
    _, _, said = lint(tmp_path, capsys, text)
    assert "Nothing here carries the tag financial: ads.budget does not add it" in said


def of_s(decision: str, condition: str) -> str:
    match = "match: {surfaces: [s]}"
    return surface() + f'rules: [{{id: r, decision: {decision}, {match}, condition: "{condition}"}}]\n'


FORCED = "payload_schema: {type: object, required: [amount], properties: {amount: {type: number}}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(surface("amount_pointer: /amount, currency: USD"), "not force a number at /amount", id="free"),
        pytest.param(surface("audience_pointer: /n"), "does not force a number at /n", id="audience"),
        pytest.param(
            surface("amount_pointer: /amount, currency: USD, payload_schema: {properties: {amount: {type: number}}}"),
            "lets /amount be left out", id="optional",
        ),
        pytest.param(surface(f"amount_pointer: /amount, {FORCED}"), "It names no currency", id="no-currency"),
        pytest.param(surface(f"amount_pointer: /amount, currency: USD, {FORCED}"), "", id="forced"),
        pytest.param(
            "version: v1\nlimits: [{id: l, measure: amount, per: agent, window: day, limit: 1, effect: deny}]\n",
            "names no currency, so an amount that has one is not countable", id="limit",
        ),
        pytest.param(
            surface(f"amount_pointer: /amount, currency: EUR, {FORCED}") + "limits: [{id: l, surfaces: [s], "
            "measure: amount, currency: USD, per: agent, window: day, limit: 1, effect: deny}]\n",
            "It counts USD, and amounts on s are in EUR", id="two-currencies",
        ),
        pytest.param(
            "version: v1\nrules: [{id: r, decision: deny, match: {surfaces: [ad.*]}}]\n",
            "No surface here is called ad.*", id="surface",
        ),
        pytest.param(
            "version: v1\nrules: [{id: r, decision: deny, match: {agents: [paser]}}]\n",
            "No agent here is called paser", id="agent",
        ),
        pytest.param(
            of_s("deny", "payload['x'] == true"),
            "not force payload.x to be true or false: where it is anything else, the rule counts as holding", id="type",
        ),
        pytest.param(
            of_s("allow", "payload.x in ['a']"),
            "does not force payload.x to be text: where it is anything else, the rule does not count", id="allowing",
        ),
        pytest.param(
            'version: v1\nrules: [{id: r, decision: deny, condition: "amount < 0"}]\n', "Write signed_amount", id="sign"
        ),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant_is_a_warning(portal, tmp_path, capsys, text, said):
    code, _, warnings = lint(tmp_path, capsys, text)
    assert code == 0
    assert (said in warnings) if said else warnings == ""


@pytest.mark.parametrize(
    ("schema", "types", "is_forced", "is_there"),
    [
        ({}, NUMBER, False, False),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, NUMBER, True, True),
        ({"properties": {"a": {"type": ["number", "null"]}}, "required": ["a"]}, NUMBER, False, True),
        ({"properties": {"a": {"enum": [1, 2.5]}}}, NUMBER, True, False),
        ({"properties": {"a": {"enum": [1, "2"]}}}, NUMBER, False, False),
        ({"properties": {"a": {"const": True}}}, NUMBER, False, False),
        ({"properties": {"a": {"minimum": 5}}, "required": ["a"]}, NUMBER, False, True),
        ({"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}}, NUMBER, True, False),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, NUMBER, False, False),
        ({"allOf": [{"properties": {"a": {"type": "number"}}}, {"required": ["a"]}]}, NUMBER, True, True),
        ({"anyOf": [{"properties": {"a": {"type": "number"}}}, {"required": ["a"]}]}, NUMBER, False, False),
        ({"oneOf": [{"properties": {"a": {"type": "number"}}}] * 2}, NUMBER, True, False),
        ({"additionalProperties": {"type": "string"}}, TEXT, True, False),
        ({"additionalProperties": False}, TEXT, True, False),
        ({"properties": {"a": False}}, TEXT, True, False),
    ],
)
def test_what_a_schema_forces(schema, types, is_forced, is_there):
    assert (forces_type(schema, ("a",), types), forces_presence(schema, ("a",))) == (is_forced, is_there)


def test_what_a_schema_forces_further_down():
    inner = {"type": "array", "minItems": 1, "prefixItems": [{"type": "number"}]}
    schema = {"type": "object", "required": ["a"], "properties": {"a": inner}}
    assert forces_type(schema, path_of("/a/0"), NUMBER)
    assert forces_presence(schema, path_of("/a/0"))
    assert not forces_presence(schema, path_of("/a/1"))
    assert not forces_type(schema, path_of("/a/1"), NUMBER)


TESTS = """\
tests:
  - id: large-waits
    facts: {surface: s, tags: [financial], action: job.refund.process, amount: 101}
    expect: {outcome: require_approval, tier: single}
"""


def run(tmp_path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "policy", *arguments], cwd=tmp_path, text=True, timeout=60,
        capture_output=True, check=False, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
    )  # fmt: skip


def test_a_checkout_without_settings_checks_a_file_that_stands_alone(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(REFUNDS + surface().removeprefix("version: v1\n") + TESTS, encoding="utf-8")
    linted = run(tmp_path, "lint", "p.yaml")
    assert (linted.returncode, linted.stdout) == (0, "4 entries, no problems, 4 warnings.\n")
    assert "Traceback" not in linted.stderr
    tested = run(tmp_path, "test", "p.yaml")
    assert (tested.returncode, tested.stdout) == (0, "passed  large-waits\n1 passed, 0 failed.\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.yaml"]


def test_a_database_that_is_not_there_is_told_without_a_traceback(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(REFUSED["endless deadline"], encoding="utf-8")
    linted = run(
        tmp_path, "lint", "p.yaml", DEBUG="true", VAR_DIR=str(tmp_path / "var"), DATABASE_URL="postgres://127.0.0.1:1/x"
    )
    assert linted.returncode == 1
    assert "There is no database to ask" in linted.stderr
    assert "p.yaml:3:" in linted.stderr
    assert "Traceback" not in linted.stderr


def test_what_needs_the_portal_says_what_is_missing(tmp_path):
    exported = run(tmp_path, "export")
    assert exported.returncode == 1
    assert "set DEBUG=true" in exported.stderr


def test_a_file_that_does_not_stand_alone_says_what_is_missing(tmp_path, capsys):
    text = surface().replace("tier: single", "tier: vip")
    code, _, said = lint(tmp_path, capsys, text, "--offline")
    assert code == 0
    assert "The tier vip is in none of these files." in said
    assert policy_files.check(read_files({"p.yaml": text}), Known()) == []


def test_publishing_says_the_same_in_words(portal):
    policy_files.apply(read_files({"p.yaml": REFUSED["deadline"]}), prune=False)
    by = User.objects.create_superuser("root")
    with pytest.raises(publish.PolicyInvalid, match="The calendar c does not reach it: with 1 minute of"):
        publish.publish(by=by)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("weekday == 'Saturday'", "weekday is never 'Saturday'"),
        ("weekday in ['sat', 'Sunday']", "weekday is never 'Sunday'"),
        ("'usd' == currency", "currency is never 'usd'"),
        ("amount > 5.0 && surface != 's.other'", "surface is never 's.other'"),
        ("agent == 'nobody'", "agent is never 'nobody'"),
        ("'financal' in tags", "No surface here adds the tag financal"),
        ("confidence > 1.5 || amount > 9.0", "confidence > 1.5 never holds"),
        ("confidence < 0.0", "confidence < 0.0 never holds"),
        ("hour >= 24", "hour >= 24 never holds"),
    ],
)
def test_a_comparison_that_never_holds_is_a_warning(condition, words):
    found = values.never_held(condition, surfaces=["ads.budget"], agents=["pacer"], tags=["spend"])
    assert [text for text in found if words in text]


@pytest.mark.parametrize(
    "condition",
    [
        "weekday in ['sat', 'sun']",
        "currency == '' || currency == 'USD'",
        "surface.startsWith('crm.')",
        "payload.surface == 'elsewhere' && payload.hour > 99.0",
        "agent == 'pacer' && 'spend' in tags",
        "payload.note == 'hour > 99'",
        "confidence < 0.8 && hour < 8 && hour >= 0",
        "weekday == payload.day",
    ],
)
def test_a_comparison_that_may_hold_is_none(condition):
    assert [*values.never_held(condition, surfaces=["ads.budget"], agents=["pacer"], tags=["spend"])] == []


def test_lint_warns_of_a_comparison_that_never_holds(portal, tmp_path, capsys):
    rules = "rules: [{id: r, condition: \"weekday == 'Saturday'\", decision: deny}]\n"
    code, out, said = lint(tmp_path, capsys, surface() + rules)
    assert code == 0
    assert "weekday is never 'Saturday'" in out + said

"""Export, and what comes back is the same: nothing to apply."""

import jsonschema_rs
import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies import policy_files
from policies.models import Rule, Surface, Tier
from tests import world as worlds
from tests.policies.policy_files import tables

pytestmark = pytest.mark.django_db

FILE = """\
# The policy of the refund desk.
version: v1

rules:
  # Finance asked for this in May.
  - id: require-approval-over-100
    match: {topics: [job.refund.process], risk_tags: [financial]}   # both
    condition: "estimated_cost > 100"  # dollars
    decision: require_approval
    reason: "Refunds over $100 require human approval"

  # Goes away.
  - id: old
    decision: deny

  - id: kept
    decision: deny  # as ever
    # Why it is so.
    reason: |-
      Because
      of that.
# The end.
"""


def test_the_sample_portal_exports_and_applies_as_nothing():
    worlds.bootstrap(with_starter=False)
    text = policy_files.export()
    plan = policy_files.make(policy_files.read_files({"p": text}), prune=True)
    assert plan.changes == ()
    assert policy_files.apply(policy_files.read_files({"p": text}), prune=True).changes == ()
    assert policy_files.export() == text
    assert policy_files.export(text) == text


@settings(max_examples=40, phases=[Phase.generate], deadline=None, suppress_health_check=[*HealthCheck])
@given(data=st.data())
def test_made_up_tables_export_and_apply_as_nothing(data):
    with transaction.atomic():
        tables.fill(data)
        text = policy_files.export()
        policy = policy_files.read_files({"p": text})
        assert policy_files.make(policy, prune=True).changes == ()
        schema = jsonschema_rs.validator_for(policy_files.json_schema())
        assert [*schema.iter_errors(yaml.safe_load(text))] == []
        for model in (Rule, Surface):
            model.objects.update(is_enabled=True)
        Rule.objects.all().delete()
        policy_files.apply(policy, prune=True)
        assert policy_files.export() == text
        Rule.objects.filter(decision="deny").update(reason="New: reason # 1", condition="amount > 1 &&\namount < 2")
        Rule.objects.filter(decision="allow").delete()
        again = policy_files.export(text)
        assert policy_files.make(policy_files.read_files({"p": again}), prune=True).changes == ()
        transaction.set_rollback(True)


def test_comments_and_layout_stay_where_nothing_changed():
    worlds.bootstrap(with_starter=False)
    policy_files.apply(policy_files.read_files({"p": FILE}), prune=False)
    assert policy_files.export(FILE).startswith(FILE.rstrip("\n"))


def test_what_changed_is_written_in_its_place():
    worlds.bootstrap(with_starter=False)
    policy_files.apply(policy_files.read_files({"p": FILE}), prune=False)
    Rule.objects.filter(slug="require-approval-over-100").update(condition="amount > 200", any_tags=[], tier_id="batch")
    Rule.objects.filter(slug="kept").update(reason="", is_enabled=False)
    Rule.objects.filter(slug="old").delete()
    Rule.objects.create(slug="new", decision="allow", condition="amount < 1 &&\nconfidence > 0.5")
    text = policy_files.export(FILE)
    assert text.startswith("""\
# The policy of the refund desk.
version: v1

rules:
  # Finance asked for this in May.
  - id: require-approval-over-100
    match: {topics: [job.refund.process]}   # both
    condition: "amount > 200"  # dollars
    decision: require_approval
    reason: "Refunds over $100 require human approval"
    tier: batch

  - id: kept
    decision: deny  # as ever
    enabled: false

  - id: new
    condition: |-
      amount < 1 &&
      confidence > 0.5
    decision: allow
# The end.
""")
    assert policy_files.make(policy_files.read_files({"p": text}), prune=True).changes == ()


@pytest.mark.parametrize(
    "older",
    [
        "version: v1\nrules: []\n",
        "version: v1\nrules: [{id: a, decision: deny}] # flow\n",
        "\ufeffversion: v1\r\nrules:\r\n- id: a\r\n  decision: deny\r\n",
        'version: v1\nrules:\n- {id: a, decision: deny}\n- decision: "deny"\n  id: zz\n',
        "rules:\n  -\n    id: zz\n    decision: deny\n    condition: |\n      amount > 1\n\n\nversion: v1",
        "version: v1\nrules:\n  - id: gone\n    decision: deny\n",
    ],
)
def test_however_the_older_file_is_written_the_new_one_says_what_the_tables_say(older):
    for slug, rank in (("autopilot", 0), ("single", 30)):
        review = {"in": "single", "on": "none"}[posture := "in" if rank else "on"]
        Tier.objects.create(slug=slug, name=slug, rank=rank, posture=posture, review=review)
    Rule.objects.create(slug="zz", decision="deny", condition="amount > 2", reason="é☃: 'x'")
    Rule.objects.create(slug="b", decision="allow")
    text = policy_files.export(older.encode())
    assert policy_files.make(policy_files.read_files({"p": text}), prune=True).changes == ()
    assert text.count("version:") == 1

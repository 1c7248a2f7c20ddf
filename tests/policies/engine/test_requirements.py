"""Requirements as they are chosen, tightened and widened."""

from hypothesis import given
from hypothesis import strategies as st

from approvals.people.tally import Requirement, Result, Vote, tally
from policies.engine.requirements import (
    Approvers,
    RequirementPolicy,
    as_rows,
    is_at_least,
    required,
    tightened,
    widened,
)

ROLES = ["Legal", "Finance", "Product"]
approvers = st.builds(
    Approvers,
    stage=st.integers(1, 2),
    name=st.sampled_from(["x", "y"]),
    role=st.sampled_from(ROLES),
    approvals=st.integers(0, 2),
    denials=st.integers(1, 2),
)
rows = st.lists(approvers, max_size=4).map(tuple)
votes = st.lists(
    st.builds(Vote, st.sampled_from("abc"), st.frozensets(st.sampled_from([*ROLES, "Executive"])), st.just(value=True)),
    max_size=4,
)


def outcome(needed, cast) -> Result:
    return tally([Requirement(**row) for row in as_rows(needed)], cast)


def test_a_role_that_only_may_reject_does_not_take_the_owners_place():
    veto = RequirementPolicy("ads", None, 1, "veto", "Legal", approvals=0)
    found = required([veto], surface="ads", tier="single", owner="Channel owner")
    assert {(row.role, row.approvals) for row in found} == {("Channel owner", 1), ("Legal", 0)}
    more = RequirementPolicy("ads", None, 1, "money", "Finance")
    assert {row.role for row in required([veto, more], surface="ads", tier=None, owner="Channel owner")} == {
        "Legal",
        "Finance",
    }


def test_anyone_who_is_called_becomes_an_alternative_of_every_name_that_asks():
    needed = (Approvers(1, "money", "Finance", 2), Approvers(1, "veto", "Legal", 0), Approvers(2, "brand", "Product"))
    more = {row for row in widened(needed, "Executive") if row.role == "Executive"}
    assert more == {Approvers(1, "money", "Executive", 2), Approvers(2, "brand", "Executive")}
    assert widened(widened(needed, "Executive"), "Executive") == widened(needed, "Executive")
    assert widened(needed, "Finance") == tuple(sorted({*needed, Approvers(2, "brand", "Finance")}))


@given(rows, votes)
def test_what_was_approved_is_approved_when_others_may_decide_too(needed, cast):
    if outcome(needed, cast) is Result.APPROVED:
        assert outcome(widened(needed, "Executive"), cast) is Result.APPROVED


@given(rows, rows, votes)
def test_what_is_at_least_as_strict_approves_nothing_more(new, old, cast):
    if is_at_least(new, old) and any(row.approvals for row in old) and outcome(new, cast) is Result.APPROVED:
        assert outcome(old, cast) is Result.APPROVED


@given(rows, rows, votes)
def test_what_was_tightened_approves_nothing_that_either_would_not(old, new, cast):
    if any(row.approvals for row in old) and outcome(tightened(old, new, mark="more"), cast) is Result.APPROVED:
        assert outcome(old, cast) is Result.APPROVED
        if any(row.approvals for row in new):
            assert outcome(new, cast) is Result.APPROVED

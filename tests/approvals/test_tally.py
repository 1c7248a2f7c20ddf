"""Votes in, outcome out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.tally import Outcome, Requirement, Vote, tally

LEGAL, FINANCE, OWNER = "Legal", "Finance", "Channel owner"
ROLES = [LEGAL, FINANCE, OWNER]


def row(role: str, *, stage: int = 1, name: str = "", approvals: int = 1, denials: int = 1) -> Requirement:
    return Requirement(stage=stage, name=name or role, role=role, approvals=approvals, denials=denials)


def yes(voter: str, *roles: str) -> Vote:
    return Vote(voter, frozenset(roles), is_approval=True)


def no(voter: str, *roles: str) -> Vote:
    return Vote(voter, frozenset(roles), is_approval=False)


ONE = [row(OWNER)]
BOTH = [row(LEGAL), row(FINANCE)]
EITHER = [row(LEGAL, name="check"), row(FINANCE, name="check")]
TWO_OWNERS = [row(OWNER, approvals=2, denials=2)]
STAGED = [row(OWNER, stage=1), row(LEGAL, stage=2)]

CASES = [
    pytest.param([], [yes("ann", OWNER)], Outcome.OPEN, id="no-requirements-never-approve"),
    pytest.param(ONE, [], Outcome.OPEN, id="silence-is-not-consent"),
    pytest.param(ONE, [yes("ann", OWNER)], Outcome.APPROVED, id="the-owner-approves"),
    pytest.param(ONE, [no("ann", OWNER)], Outcome.REJECTED, id="the-owner-denies"),
    pytest.param(ONE, [yes("ann", LEGAL)], Outcome.OPEN, id="another-role-does-not-count"),
    pytest.param(ONE, [no("ann", LEGAL)], Outcome.OPEN, id="another-role-cannot-deny"),
    pytest.param(ONE, [yes("ann")], Outcome.OPEN, id="no-role-does-not-count"),
    pytest.param(BOTH, [yes("ann", LEGAL), yes("bob", LEGAL)], Outcome.OPEN, id="two-lawyers-are-not-finance"),
    pytest.param(BOTH, [yes("ann", LEGAL), yes("bob", FINANCE)], Outcome.APPROVED, id="both-roles-approve"),
    pytest.param(BOTH, [yes("ann", LEGAL, FINANCE)], Outcome.APPROVED, id="one-person-in-both-roles"),
    pytest.param(BOTH, [yes("ann", LEGAL), no("bob", FINANCE)], Outcome.REJECTED, id="one-denial-rejects"),
    pytest.param(EITHER, [yes("ann", FINANCE)], Outcome.APPROVED, id="an-alternative-is-enough"),
    pytest.param(EITHER, [yes("ann", FINANCE), no("bob", LEGAL)], Outcome.REJECTED, id="any-alternative-may-deny"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER)], Outcome.OPEN, id="one-of-two"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER), yes("ann", OWNER)], Outcome.OPEN, id="one-person-is-one-vote"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER), yes("bob", OWNER)], Outcome.APPROVED, id="two-of-two"),
    pytest.param(TWO_OWNERS, [no("ann", OWNER), yes("bob", OWNER)], Outcome.OPEN, id="below-both-thresholds"),
    pytest.param(
        TWO_OWNERS, [no("ann", OWNER), yes("ann", OWNER), yes("bob", OWNER)], Outcome.APPROVED, id="a-changed-mind"
    ),
    pytest.param(
        TWO_OWNERS, [yes("ann", OWNER), yes("bob", OWNER), no("ann", OWNER)], Outcome.OPEN, id="a-consent-taken-back"
    ),
    pytest.param(STAGED, [yes("ann", OWNER)], Outcome.OPEN, id="the-first-stage-alone"),
    pytest.param(STAGED, [yes("bob", LEGAL)], Outcome.OPEN, id="the-second-stage-alone"),
    pytest.param(STAGED, [yes("ann", OWNER), yes("bob", LEGAL)], Outcome.APPROVED, id="both-stages"),
    pytest.param(STAGED, [no("bob", LEGAL)], Outcome.REJECTED, id="a-later-stage-may-deny-at-once"),
]


@pytest.mark.parametrize(("requirements", "votes", "expected"), CASES)
def test_tally(requirements, votes, expected):
    assert tally(requirements, votes) is expected


roles = st.frozensets(st.sampled_from(ROLES), max_size=3)
votes = st.lists(st.builds(Vote, st.sampled_from("abcd"), roles, st.booleans()), max_size=6)
requirements = st.lists(
    st.builds(
        Requirement,
        stage=st.integers(1, 2),
        name=st.sampled_from(["x", "y"]),
        role=st.sampled_from(ROLES),
        approvals=st.integers(1, 3),
        denials=st.integers(1, 3),
    ),
    max_size=4,
)


@given(requirements, votes)
def test_an_approval_needs_every_named_row_met_and_no_denial(rows, cast):
    last = {vote.voter: vote for vote in cast}.values()

    def count(requirement, is_approval):
        return sum(vote.is_approval is is_approval and requirement.role in vote.roles for vote in last)

    if tally(rows, cast) is Outcome.APPROVED:
        met = {(each.stage, each.name) for each in rows if count(each, True) >= each.approvals}
        assert rows
        assert met == {(each.stage, each.name) for each in rows}
    assert (tally(rows, cast) is Outcome.REJECTED) == any(count(each, False) >= each.denials for each in rows)


@given(requirements, votes, st.randoms())
def test_the_order_of_rows_and_of_different_peoples_votes_does_not_matter(rows, cast, chance):
    once = list({vote.voter: vote for vote in cast}.values())
    shuffled_rows, shuffled_votes = list(rows), list(once)
    chance.shuffle(shuffled_rows)
    chance.shuffle(shuffled_votes)
    assert tally(shuffled_rows, shuffled_votes) is tally(rows, cast)


@given(requirements, votes)
def test_another_denial_never_helps(rows, cast):
    more = [*cast, Vote("e", frozenset(ROLES), is_approval=False)]
    if tally(rows, cast) is not Outcome.APPROVED:
        assert tally(rows, more) is not Outcome.APPROVED
    if tally(rows, cast) is Outcome.REJECTED:
        assert tally(rows, more) is Outcome.REJECTED


@given(requirements, votes)
def test_nobody_alone_counts_as_two(rows, cast):
    if any(row.approvals > 1 for row in rows) and all(row.approvals > 1 for row in rows):
        alone = [Vote("a", frozenset(ROLES), is_approval=True)] * 5
        assert tally(rows, alone) is Outcome.OPEN

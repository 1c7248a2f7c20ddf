"""Votes in, outcome out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.people.tally import Requirement, Result, Vote, explain, standing, tally

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
    pytest.param([], [yes("ann", OWNER)], Result.OPEN, id="no-requirements-never-approve"),
    pytest.param(ONE, [], Result.OPEN, id="silence-is-not-consent"),
    pytest.param(ONE, [yes("ann", OWNER)], Result.APPROVED, id="the-owner-approves"),
    pytest.param(ONE, [no("ann", OWNER)], Result.REJECTED, id="the-owner-denies"),
    pytest.param(ONE, [yes("ann", LEGAL)], Result.OPEN, id="another-role-does-not-count"),
    pytest.param(ONE, [no("ann", LEGAL)], Result.OPEN, id="another-role-cannot-deny"),
    pytest.param(ONE, [yes("ann")], Result.OPEN, id="no-role-does-not-count"),
    pytest.param(BOTH, [yes("ann", LEGAL), yes("bob", LEGAL)], Result.OPEN, id="two-lawyers-are-not-finance"),
    pytest.param(BOTH, [yes("ann", LEGAL), yes("bob", FINANCE)], Result.APPROVED, id="both-roles-approve"),
    pytest.param(BOTH, [yes("ann", LEGAL, FINANCE)], Result.APPROVED, id="one-person-in-both-roles"),
    pytest.param(BOTH, [yes("ann", LEGAL), no("bob", FINANCE)], Result.REJECTED, id="one-denial-rejects"),
    pytest.param(EITHER, [yes("ann", FINANCE)], Result.APPROVED, id="an-alternative-is-enough"),
    pytest.param(EITHER, [yes("ann", FINANCE), no("bob", LEGAL)], Result.REJECTED, id="any-alternative-may-deny"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER)], Result.OPEN, id="one-of-two"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER), yes("ann", OWNER)], Result.OPEN, id="one-person-is-one-vote"),
    pytest.param(TWO_OWNERS, [yes("ann", OWNER), yes("bob", OWNER)], Result.APPROVED, id="two-of-two"),
    pytest.param(TWO_OWNERS, [no("ann", OWNER), yes("bob", OWNER)], Result.OPEN, id="below-both-thresholds"),
    pytest.param(
        TWO_OWNERS, [no("ann", OWNER), yes("ann", OWNER), yes("bob", OWNER)], Result.APPROVED, id="a-changed-mind"
    ),
    pytest.param(
        TWO_OWNERS, [yes("ann", OWNER), yes("bob", OWNER), no("ann", OWNER)], Result.OPEN, id="a-consent-taken-back"
    ),
    pytest.param(STAGED, [yes("ann", OWNER)], Result.OPEN, id="the-first-stage-alone"),
    pytest.param(STAGED, [yes("bob", LEGAL)], Result.OPEN, id="the-second-stage-alone"),
    pytest.param(STAGED, [yes("ann", OWNER), yes("bob", LEGAL)], Result.APPROVED, id="both-stages"),
    pytest.param(STAGED, [no("bob", LEGAL)], Result.REJECTED, id="a-later-stage-may-deny-at-once"),
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


@pytest.mark.parametrize(
    ("votes", "was_open", "expected"),
    [
        pytest.param([], {1}, set(), id="nothing-has-opened"),
        pytest.param([yes("a", OWNER)], {1}, {LEGAL, FINANCE}, id="the-second-has-opened"),
        pytest.param([yes("a", OWNER)], {1, 2}, set(), id="it-was-open-before"),
        pytest.param([yes("a", OWNER, FINANCE)], {1}, {LEGAL}, id="finance-has-spoken"),
    ],
)
def test_who_is_asked_because_a_stage_has_opened(votes, was_open, expected):
    rows = [row(OWNER), row(LEGAL, stage=2), row(FINANCE, stage=2)]
    assert explain(rows, votes).asked_since(was_open) == expected


@given(requirements, votes)
def test_an_approval_needs_every_named_row_met_and_no_denial(rows, cast):
    last = {vote.voter: vote for vote in cast}.values()

    def count(requirement, is_approval):
        return sum(vote.is_approval is is_approval and requirement.role in vote.roles for vote in last)

    if tally(rows, cast) is Result.APPROVED:
        met = {(each.stage, each.name) for each in rows if count(each, True) >= each.approvals}
        assert rows
        assert met == {(each.stage, each.name) for each in rows}
    assert (tally(rows, cast) is Result.REJECTED) == any(count(each, False) >= each.denials for each in rows)


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
    if tally(rows, cast) is not Result.APPROVED:
        assert tally(rows, more) is not Result.APPROVED
    if tally(rows, cast) is Result.REJECTED:
        assert tally(rows, more) is Result.REJECTED


@given(requirements, votes)
def test_nobody_alone_counts_as_two(rows, cast):
    if any(row.approvals > 1 for row in rows) and all(row.approvals > 1 for row in rows):
        alone = [Vote("a", frozenset(ROLES), is_approval=True)] * 5
        assert tally(rows, alone) is Result.OPEN


# Thresholds as other access-request systems have them, restated. A threshold that names no role there is a role that
# everybody concerned holds here: a person holds as many roles as they need.

ANYBODY, DBA, SRE, LEAD = "Reviewer", "Database", "Operations", "Lead"
MIX = [row(ANYBODY, approvals=2, denials=2)]
ROLE_FILTERS = [row(DBA, name="who", approvals=2), row(LEAD, name="who")]
VETO = [row(OWNER), row(LEGAL, name="veto", approvals=0)]
GROUPS = [row(DBA, name="data"), row(SRE, name="platform"), row(LEAD, name="either"), row(OWNER, name="either")]

SCENARIOS = [
    pytest.param(MIX, [yes("a", DBA, ANYBODY), yes("b", SRE, ANYBODY)], Result.APPROVED, id="two-of-any-mix"),
    pytest.param(MIX, [yes("a", DBA, ANYBODY), yes("b", SRE)], Result.OPEN, id="one-of-them-is-not-asked"),
    pytest.param(MIX, [no("a", DBA, ANYBODY), no("b", SRE, ANYBODY)], Result.REJECTED, id="two-denials-of-any-mix"),
    pytest.param(ROLE_FILTERS, [yes("a", LEAD)], Result.APPROVED, id="one-lead-is-enough"),
    pytest.param(ROLE_FILTERS, [yes("a", DBA)], Result.OPEN, id="one-of-two-databases"),
    pytest.param(ROLE_FILTERS, [yes("a", DBA), yes("b", DBA)], Result.APPROVED, id="two-databases-instead-of-a-lead"),
    pytest.param(ROLE_FILTERS, [yes("a", DBA), yes("b", SRE)], Result.OPEN, id="a-mix-of-alternatives-is-neither"),
    pytest.param(VETO, [yes("a", OWNER)], Result.APPROVED, id="who-only-may-deny-is-not-waited-for"),
    pytest.param(VETO, [yes("a", LEGAL)], Result.OPEN, id="who-only-may-deny-does-not-approve"),
    pytest.param(VETO, [no("a", LEGAL)], Result.REJECTED, id="who-only-may-deny-denies"),
    pytest.param([row(LEGAL, approvals=0)], [yes("a", LEGAL)], Result.OPEN, id="deny-only-rows-alone-never-approve"),
    pytest.param(
        [row(OWNER, name="one"), row(LEGAL, name="one", approvals=0)], [], Result.OPEN,
        id="a-deny-only-alternative-does-not-meet-its-name",
    ),
    pytest.param(GROUPS, [yes("a", DBA), yes("b", SRE)], Result.OPEN, id="two-of-three-groups"),
    pytest.param(GROUPS, [yes("a", DBA), yes("b", SRE), yes("c", OWNER)], Result.APPROVED, id="all-three-groups"),
    pytest.param(GROUPS, [yes("a", DBA, SRE, LEAD)], Result.APPROVED, id="one-reviewer-with-all-roles"),
    pytest.param(GROUPS, [yes("a", DBA, SRE, LEAD), no("b", SRE)], Result.REJECTED, id="any-group-denies"),
]  # fmt: skip


@pytest.mark.parametrize(("requirements", "votes", "expected"), SCENARIOS)
def test_thresholds_of_other_systems(requirements, votes, expected):
    assert tally(requirements, votes) is expected


DISTINCT = [
    pytest.param(BOTH, [yes("ann", LEGAL, FINANCE)], Result.OPEN, id="one-person-is-one-name"),
    pytest.param(BOTH, [yes("ann", LEGAL, FINANCE), yes("bob", LEGAL)], Result.APPROVED, id="two-roles-one-person"),
    pytest.param(BOTH, [yes("bob", LEGAL), yes("ann", LEGAL, FINANCE)], Result.APPROVED, id="whatever-the-order"),
    pytest.param(STAGED, [yes("ann", OWNER, LEGAL)], Result.OPEN, id="not-in-two-stages-either"),
    pytest.param(
        [row(OWNER, approvals=2), row(LEGAL)], [yes("a", OWNER, LEGAL), yes("b", OWNER)], Result.OPEN, id="3-places"
    ),
    pytest.param(
        [row(OWNER, approvals=2), row(LEGAL)], [yes("a", OWNER, LEGAL), yes("b", OWNER), yes("c", OWNER)],
        Result.APPROVED, id="three-people",
    ),
    pytest.param(
        [row(OWNER, name="x"), row(FINANCE, name="x"), row(OWNER, name="y")],
        [yes("a", OWNER), yes("b", FINANCE)], Result.APPROVED, id="the-other-alternative-leaves-room",
    ),
    pytest.param(BOTH, [no("ann", LEGAL, FINANCE)], Result.REJECTED, id="denials-need-no-distinct-people"),
]  # fmt: skip


@pytest.mark.parametrize(("requirements", "votes", "expected"), DISTINCT)
def test_distinct_people(requirements, votes, expected):
    assert tally(requirements, votes, distinct_people=True) is expected


def on_behalf(voter: str, absent: str, *roles: str) -> Vote:
    return Vote(voter, frozenset(roles), is_approval=True, on_behalf_of=absent)


@pytest.mark.parametrize(
    ("cast", "left"),
    [
        ([yes("x", OWNER), on_behalf("y", "x", OWNER)], [1]),
        ([on_behalf("y", "x", OWNER), yes("x", OWNER)], [1]),
        ([on_behalf("y", "x", OWNER), yes("y", OWNER)], [1]),
        ([on_behalf("y", "x", OWNER), on_behalf("y", "z", OWNER)], [1]),
        ([on_behalf("y", "x", OWNER), on_behalf("z", "x", OWNER)], [1]),
        ([on_behalf("y", "x", OWNER), yes("z", OWNER)], [0, 1]),
    ],
)
def test_one_person_is_one_vote_anyone_who_casts_it(cast, left):
    assert standing(cast) == tuple(cast[at] for at in left)


def test_what_is_missing_is_told_name_by_name():
    told = explain(
        [row(OWNER, approvals=2), row(LEGAL, stage=2), row(FINANCE, stage=2, name="Legal")], [yes("a", OWNER)]
    )
    assert told.outcome is Result.OPEN
    assert [(need.name, need.approved_by, need.missing, need.is_open) for need in told.needs] == [
        (OWNER, ("a",), 1, True),
        (LEGAL, (), 1, False),
    ]
    assert told.needs[1].roles == (FINANCE, LEGAL)
    assert told.open_roles == {OWNER}
    more = explain(STAGED, [yes("a", OWNER)])
    assert more.open_roles == {OWNER, LEGAL}
    assert [need.name for need in more.unmet] == [LEGAL]


def test_of_several_alternatives_the_nearest_is_told():
    told = explain(ROLE_FILTERS, [yes("a", DBA)]).needs[0]
    assert (told.missing, told.approved_by) == (1, ("a",))


deny_only_too = st.lists(
    st.builds(
        Requirement,
        stage=st.integers(1, 2),
        name=st.sampled_from(["x", "y"]),
        role=st.sampled_from(ROLES),
        approvals=st.integers(0, 2),
        denials=st.integers(1, 3),
    ),
    max_size=5,
)
cast = st.lists(
    st.builds(Vote, st.sampled_from("abcd"), roles, st.booleans(), st.sampled_from(["", "", "e", "f"])), max_size=6
)


@given(deny_only_too, cast, st.booleans())
def test_distinct_people_never_approve_what_anybody_would_not(rows, votes, distinct):
    if tally(rows, votes, distinct_people=True) is Result.APPROVED:
        assert tally(rows, votes) is Result.APPROVED


@given(deny_only_too, cast, st.randoms())
def test_the_order_does_not_matter_for_distinct_people_either(rows, votes, chance):
    shuffled = list(standing(votes))
    chance.shuffle(shuffled)
    assert tally(rows, shuffled, distinct_people=True) is tally(rows, votes, distinct_people=True)


@given(deny_only_too, cast, st.booleans())
def test_nothing_is_approved_without_an_approval(rows, votes, distinct):
    denied = [Vote(vote.voter, vote.roles, is_approval=False, on_behalf_of=vote.on_behalf_of) for vote in votes]
    assert tally(rows, denied, distinct_people=distinct) is not Result.APPROVED


@given(deny_only_too, cast, st.booleans())
def test_what_is_told_agrees_with_the_outcome(rows, votes, distinct):
    told = explain(rows, votes, distinct_people=distinct)
    assert (told.outcome is Result.APPROVED) <= (bool(told.needs) and not told.unmet)
    assert all(need.missing >= 0 for need in told.needs)
    if distinct:
        counted = [voter for need in told.needs for voter in need.approved_by]
        assert len(counted) == len(set(counted))


@given(deny_only_too, st.lists(st.tuples(roles, st.booleans(), st.sampled_from(["", "e", "f"])), max_size=6))
def test_no_set_of_votes_by_one_person_meets_two_approvals(rows, said):
    asking = [each for each in rows if each.approvals]
    alone = [Vote("a", held, is_approval, absent) for held, is_approval, absent in said]
    if asking and all(each.approvals == 2 for each in asking):
        assert tally(rows, alone) is not Result.APPROVED

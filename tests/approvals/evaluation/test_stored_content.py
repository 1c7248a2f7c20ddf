"""What a stored revision is judged by when it is judged again."""

from decimal import Decimal

import pytest

from approvals.evaluation.stored_content import content_of
from approvals.models import Revision
from policies.engine.policy import compile_policy
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.policies import sample_document

FIGURES = {"amount": Decimal("12.5"), "audience_size": 40, "confidence": 0.9}


def revision() -> Revision:
    return Revision(body=b'{"cost":12.5,"reach":40}', **FIGURES)


def on(**fields):
    document = {"tiers": sample_document.TIERS, "surfaces": {"ads": sample_document.SURFACE | fields}}
    return compile_policy(number=1, digest="", document=document).surfaces["ads"]


@pytest.mark.parametrize(
    ("fields", "amount", "size"),
    [
        pytest.param({}, 12.5, 40, id="the-agents-figures-count"),
        pytest.param({"amount_pointer": "/cost"}, None, 40, id="the-amount-is-read-in-the-payload"),
        pytest.param({"audience_pointer": "/reach"}, 12.5, None, id="the-size-is-read-in-the-payload"),
    ],
)
def test_figures_that_the_surface_reads_itself_are_not_taken_from_the_agent(fields, amount, size):
    content = content_of(revision(), on(**fields))
    assert (content.amount, content.audience_size) == (amount, size)


def test_figures_count_where_the_surface_is_no_longer_published():
    content = content_of(revision(), None)
    assert (content.amount, content.audience_size) == (12.5, 40)


@pytest.mark.django_db
def test_an_edit_keeps_the_figures_that_nobody_reads_in_the_payload():
    world = worlds.build()
    proposal = world.propose(content={"amount": 12.5, "audience_size": 40})
    content = content_of(proposal.revision, active_policy().surfaces["ads.budget"])
    assert (content.amount, content.audience_size, content.payload) == (12.5, 40, {"amount": 4000})

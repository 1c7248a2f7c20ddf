"""A proposal's row, read again."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from approvals.models import Proposal
from tests import world as worlds
from tests.world import World

THREADS = 8
TIMES = 60


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.mark.django_db(transaction=True)
def test_threads_that_refresh_at_once_do_not_disturb_each_other(world: World) -> None:
    proposal_id = world.propose().pk

    def refresh(_number: int) -> None:
        try:
            for _ in range(TIMES):
                proposal = Proposal.objects.only("title").get(pk=proposal_id)
                proposal.refresh_from_db()
                assert proposal.state == "pending"
                assert Proposal.objects.only("state").get(pk=proposal_id).title
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(refresh, range(THREADS)))


@pytest.mark.django_db
def test_a_state_is_still_protected_after_a_refresh(world: World) -> None:
    proposal = world.propose()
    proposal.refresh_from_db()
    with pytest.raises(AttributeError, match="Direct state modification"):
        proposal.state = "approved"


@pytest.mark.django_db
def test_a_row_that_is_gone_leaves_the_object_as_it_was(world: World) -> None:
    proposal = world.propose()
    proposal.pk = "00000000-0000-7000-8000-000000000000"
    with pytest.raises(Proposal.DoesNotExist):
        proposal.refresh_from_db()
    assert proposal.state == "pending"

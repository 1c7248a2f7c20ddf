"""How often an agent may call."""

import os

import pytest
from django.test import override_settings

from approvals.api.http import throttling
from tests.approvals.api.conftest import Api, problem
from tests.world import World


def test_every_answer_says_what_is_left(agent: Api) -> None:
    with override_settings(AGENT_RATE_PER_MINUTE=10):
        answer = agent.get("surfaces/")
    assert answer["RateLimit-Policy"] == '"agent";q=10;w=60'
    assert answer["RateLimit"].startswith('"agent";r=9;t=')
    assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("10", "9")
    assert 1 <= int(answer["RateLimit-Reset"]) <= 60


def test_beyond_the_limit_the_agent_is_told_when_to_come_back(
    world: World, agent: Api, stranger: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling.time, "time", lambda: 1_800_000_030.0)
    world.agent.rate_per_minute = 2
    world.agent.save()
    assert [agent.get("surfaces/").status_code for _ in range(2)] == [200, 200]
    answer = agent.get("surfaces/")
    problem(answer, 429, "rate_limited")
    assert answer["Retry-After"] == answer["RateLimit-Reset"] == "30"
    assert answer["RateLimit-Remaining"] == "0"
    assert stranger.get("surfaces/").status_code == 200

    monkeypatch.setattr(throttling.time, "time", lambda: 1_800_000_060.0)
    assert agent.get("surfaces/").status_code == 200


def test_refusals_carry_the_fields_too(agent: Api) -> None:
    assert "RateLimit" in agent.post("proposals/", b"{")


def test_counting_asks_the_database_nothing(agent: Api, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert throttling.consume("pacer", limit=5).remaining == 4


def test_a_redis_that_is_away_is_not_waited_for(agent: Api, unused_port: int) -> None:
    with override_settings(REDIS_URL=f"redis://127.0.0.1:{unused_port}/0"):
        counter = throttling._SharedCounter()
        assert counter.count("pacer", 1) is None
        assert counter._rests_until > 0
        assert agent.get("surfaces/").status_code == 200


@pytest.mark.redis
def test_processes_count_together_in_redis() -> None:
    with override_settings(REDIS_URL=os.environ["REDIS_URL"]):
        caller, window = f"test-{os.getpid()}", 1
        one, other = throttling._SharedCounter(), throttling._SharedCounter()
        redis = throttling._redis(os.environ["REDIS_URL"])
        try:
            assert [one.count(caller, window), other.count(caller, window)] == [1, 2]
            assert 0 < redis.ttl(f"hitlportal:rate:{caller}:{window}") <= 120
        finally:
            redis.delete(f"hitlportal:rate:{caller}:{window}")

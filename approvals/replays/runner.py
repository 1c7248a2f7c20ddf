"""Run replays: a policy document against the recorded proposals, in one go or a slice at a time."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from approvals.outbox.wakeups import wake
from approvals.replays import recorded_cases
from approvals.replays.recorded_cases import Window
from policies.engine.policy import compile_policy
from policies.engine.simulation import Replay
from policies.engine.simulation_figures import Tally
from policies.guardrails import GuardrailInvalid
from policies.models import ReplayRun
from policies.publishing import replay_runs
from policies.publishing.replay_runs import Progress, ReplayTaken
from policies.rules.rule import RuleInvalid

log = logging.getLogger(__name__)

TASK: Final = "approvals.tasks.replay_policies"
SLICE_SECONDS: Final = 3.0
"""So long a worker stays with a replay before it looks what else is due."""
SAVE_SECONDS: Final = 0.5


class ReplayInvalid(ValueError):
    """The document cannot be replayed: a rule, a guardrail or its form is wrong."""

    code = "replay_invalid"


def run(document: Mapping[str, Any], window: Window, *, progress: Callable[[int], object] | None = None) -> Any:
    """Replay `document` over the proposals of `window` and return the figures (see `Tally.result`).

    `told` is called with the number of proposals judged, after each page. Raises ReplayInvalid.
    """
    judge, tally, done = _judge(document), Tally(), 0
    for page in recorded_cases.pages(window, judge.needs):
        judge.weigh(page.cases, tally)
        done += page.size
        if progress is not None:
            progress(done)
    return tally.result(recorded_cases.review_minutes(window))


def run_due(*, most: int = 1) -> int:
    """Carry up to `most` replays on for a slice each; return how many there were."""
    return sum(run_next() for _ in range(most))


def run_next() -> bool:
    """Carry the next replay on for a slice; return whether there is more to do.

    A worker that goes away loses what it counted since it last wrote it down, and nothing else.
    """
    claimed = replay_runs.claim_next()
    if claimed is None:
        return False
    try:
        is_done = _carry_on(claimed)
    except ReplayTaken as taken:
        log.info("%s", taken)
        return True
    except ReplayInvalid as problem:
        replay_runs.fail(claimed, error=str(problem))
        return True
    if not is_done:
        replay_runs.put_down(claimed)
    wake(TASK)
    return True


def _judge(document: Mapping[str, Any]) -> Replay:
    try:
        return Replay(compile_policy(number=0, digest="", document=document))
    except (RuleInvalid, GuardrailInvalid) as problem:
        raise ReplayInvalid(str(problem)) from problem
    except (KeyError, TypeError, ValueError) as problem:
        raise ReplayInvalid(f"The policy is not in its right form: {type(problem).__name__} {problem}.") from problem


def _carry_on(claimed: ReplayRun) -> bool:
    """Judge pages until the slice is over or none is left; return whether it is finished."""
    judge, window = _judge(claimed.document), Window(claimed.since, claimed.most)
    if claimed.total is None:
        replay_runs.start(claimed, total=recorded_cases.count(window))
    tally = Tally.of_json(claimed.tally) if claimed.tally else Tally()
    started = saved = time.monotonic()
    done = claimed.done
    for page in recorded_cases.pages(window, judge.needs, after=claimed.last or recorded_cases.NEWEST, done=done):
        judge.weigh(page.cases, tally)
        done += page.size
        now = time.monotonic()
        if now - saved > SAVE_SECONDS or now - started > SLICE_SECONDS:
            replay_runs.advance(claimed, Progress(done, page.last, tally.as_json()))
            saved = now
        if now - started > SLICE_SECONDS:
            return False
    replay_runs.finish(claimed, done=done, result=tally.result(recorded_cases.review_minutes(window)))
    return True

"""Play a stream of decided proposals through the trust rules, looking after every one. PURE."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policies.trust.ladder import Autonomy, Criteria
from policies.trust.record import Record
from policies.trust.sequences import bounds

DIGITS: Final = 6


class InvalidRow(ValueError):
    """A row of a stream cannot be played; `str()` names the field and the reason."""

    code = "stream_invalid"


@dataclass(slots=True)
class Play:
    """What became of one agent on one surface."""

    record: Record = field(default_factory=Record)
    """Everything, whatever version of the model, and before as well as after a demotion."""
    recommended_at: list[int] = field(default_factory=list)
    demoted_at: list[int] = field(default_factory=list)

    def figures(self, alpha: float) -> dict[str, Any]:
        """Return the figures of one agent, ready for JSON."""
        lower, upper = bounds(self.record.right, self.record.decided, alpha)
        figures: dict[str, float | None] = {
            "lower": lower,
            "upper": upper,
            "brier": self.record.brier,
            "ece": self.record.calibration_error,
            "baseline": self.record.baseline,
        }
        return {
            "decided": self.record.decided,
            "right": self.record.right,
            **{name: value if value is None else round(value, DIGITS) for name, value in figures.items()},
            "recommended_at": self.recommended_at,
            "demoted_at": self.demoted_at,
        }


class Simulation:
    """Thousands of agents at once; every recommendation is accepted on the spot."""

    def __init__(self, criteria: Criteria) -> None:
        """Begin with every agent on the first step."""
        self.criteria = criteria
        self.plays: dict[tuple[str, str], Play] = {}
        self._autonomies: dict[tuple[str, str, str], Autonomy] = {}

    def play(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Play rows in their order. Raises InvalidRow at the first that cannot be read."""
        for row in rows:
            self._play(row)

    def _play(self, row: Mapping[str, Any]) -> None:
        agent, surface = _text(row, "agent"), _text(row, "surface")
        seq, confidence, right = _whole(row, "seq"), _share(row), _flag(row, "correct")
        outcome = None if row.get("outcome") is None else _flag(row, "outcome")
        play = self.plays.get((agent, surface))
        if play is None:
            play = self.plays[agent, surface] = Play()
        play.record.add(confidence=confidence, right=right, outcome=outcome)
        key = (agent, surface, _model(row))
        autonomy = self._autonomies.get(key)
        if autonomy is None:  # a new version of the model begins at the beginning
            autonomy = self._autonomies[key] = Autonomy(self.criteria)
        autonomy.decide(confidence=confidence, right=right, outcome=outcome)
        if autonomy.has_lost(right=right):
            play.demoted_at.append(seq)
        elif autonomy.has_earned_a_step:
            autonomy.climb()
            play.recommended_at.append(seq)

    def result(self) -> dict[str, Any]:
        """Return `{"agents": {"AGENT|SURFACE": {…}}}`, sorted by name."""
        alpha = self.criteria.alpha
        return {"agents": {"|".join(key): self.plays[key].figures(alpha) for key in sorted(self.plays)}}


def _text(row: Mapping[str, Any], name: str) -> str:
    text = row.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidRow(f"{name} has to be a text that is not empty, not {text!r:.40}")
    return text


def _model(row: Mapping[str, Any]) -> str:
    model = row.get("model")
    return "" if model is None else str(model)


def _whole(row: Mapping[str, Any], name: str) -> int:
    number = row.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise InvalidRow(f"{name} has to be a whole number, not {number!r:.40}")
    return number


def _share(row: Mapping[str, Any]) -> float:
    """Read the confidence; where there is none it is 0, as in the policy."""
    share = row.get("confidence")
    if share is None:
        return 0.0
    if not isinstance(share, (int, float)) or isinstance(share, bool) or not 0 <= share <= 1:
        raise InvalidRow(f"confidence has to be a number from 0 to 1, not {share!r:.40}")
    return float(share)


def _flag(row: Mapping[str, Any], name: str) -> bool:
    flag = row.get(name)
    if flag not in (0, 1):  # True and False are 1 and 0
        raise InvalidRow(f"{name} has to be 0 or 1, not {flag!r:.40}")
    return bool(flag)

"""Answers of the portal about a proposal, with the few things read out of them that agents need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CLEARED: Final = frozenset({"approved", "shipped", "rolled_back"})
REFUSED: Final = frozenset({"rejected", "blocked", "taken_over", "withdrawn"})
OPEN: Final = frozenset({"pending", "edited"})


@dataclass(frozen=True)
class Proposal:
    """A proposal as the portal showed it; `raw` is all of it."""

    raw: Mapping[str, Any]
    etag: str = ""
    is_replayed: bool = False
    """Whether this repeats the answer to an earlier request: then it shows how things were at that time."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.raw["id"])

    @property
    def state(self) -> str:
        """Its state: `pending`, `approved`, `shipped`, …."""
        return str(self.raw["state"])

    @property
    def payload(self) -> dict[str, Any]:
        """The payload of the current revision: what is, or is to be, approved."""
        return dict(self.raw["revision"]["payload"])

    @property
    def revision(self) -> int:
        """The number of the current revision."""
        return int(self.raw["revision"]["number"])

    @property
    def digest(self) -> str:
        """The digest of the current revision."""
        return str(self.raw["revision"]["digest"])

    @property
    def receipt(self) -> Any:
        """What the executor answered; None before that."""
        return (self.raw.get("dispatch") or {}).get("receipt")

    @property
    def why(self) -> str:
        """Why it is where it is, in the words of the last person who decided, or of the policy; may be empty."""
        if self.state == "blocked":
            return _reasons(self.raw["verdict"])
        decisions = self.raw.get("decisions") or ()
        if not decisions:
            return ""
        last = decisions[-1]
        return str(last.get("comment") or last.get("reason_code") or "").replace("_", " ")

    @property
    def waits_for(self) -> list[str]:
        """The roles whose approval it needs."""
        return sorted({str(row["role"]) for row in self.raw.get("requirements") or ()})


@dataclass(frozen=True)
class Evaluation:
    """The verdict that a proposal would get."""

    raw: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """`allow`, `require_approval` or `deny`."""
        return str(self._verdict["outcome"])

    @property
    def tier(self) -> str | None:
        """The tier of oversight; None where it is denied."""
        return self._verdict.get("tier")

    @property
    def why(self) -> str:
        """The reasons, in one line."""
        return _reasons(self._verdict)

    @property
    def _verdict(self) -> Mapping[str, Any]:
        verdict = self.raw.get("verdict", self.raw)
        assert isinstance(verdict, Mapping)
        return verdict


def _reasons(verdict: Mapping[str, Any]) -> str:
    reasons = list(verdict.get("reasons") or ())
    deciding = [reason for reason in reasons if reason.get("is_deciding")]
    return " ".join(str(reason["text"]) for reason in deciding or reasons[:1])

"""The recorded corpus: reading it, and judging it. Used by tests and by programs that tests start."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785

from policies.engine.evaluation import evaluate
from policies.engine.policy import Policy, compile_policy
from policies.facts.facts import Effect, Facts, Finding

FOLDER = Path(__file__).resolve().parent
POLICIES = FOLDER / "policies.json"
CASES = FOLDER / "cases.jsonl"
TUPLES = ("tags", "targets", "switches", "conflicts")
TIMES = ("now", "expires_at")


def policies() -> list[Policy]:
    documents = json.loads(POLICIES.read_text(encoding="utf-8"))
    return [compile_policy(number=n, digest=f"sha256:{n:064}", document=row) for n, row in enumerate(documents, 1)]


def cases() -> list[dict[str, Any]]:
    """Return `{"policy": index, "facts": …, "verdict": canonical JSON as text}` of each case."""
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def facts_of(row: dict[str, Any]) -> Facts:
    read: dict[str, Any] = dict(row)
    read |= {name: tuple(row[name]) for name in TUPLES if name in row}
    read |= {name: datetime.fromisoformat(row[name]) for name in TIMES if row.get(name)}
    if "findings" in row:
        read["findings"] = tuple(Finding(**{**one, "effect": Effect(one["effect"])}) for one in row["findings"])
    return Facts(**read)


def verdict_of(policy: Policy, facts: dict[str, Any]) -> str:
    """Return the verdict as canonical JSON: the bytes that must never change."""
    verdict = evaluate(policy, facts_of(facts))
    plain = {
        "outcome": verdict.outcome,
        "tier": verdict.tier.slug if verdict.tier else None,
        "reasons": [list(reason) for reason in verdict.reasons],
        "policy": [verdict.policy_number, verdict.policy_digest],
        "requirements": as_plain(verdict.requirements),
    }
    return rfc8785.dumps(json.loads(json.dumps(plain))).decode()


def as_plain(rows: Any) -> Any:
    return json.loads(
        json.dumps(rows, default=lambda row: asdict(row) if hasattr(row, "__dataclass_fields__") else list(row))
    )


def differences() -> list[int]:
    """Return the numbers of the cases whose verdict is not, to the byte, the recorded one."""
    compiled = policies()
    return [
        number
        for number, case in enumerate(cases())
        if verdict_of(compiled[case["policy"]], case["facts"]) != case["verdict"]
    ]


if __name__ == "__main__":
    found = differences()
    sys.stdout.write(f"{len(cases())} cases, {len(found)} differ: {found[:20]}\n")
    sys.exit(1 if found else 0)

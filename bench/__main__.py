"""`python -m bench [--only NAME,…] [--json]`: measure, and print a table or one JSON object."""

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from bench import environment

ROWS = (
    "submit",
    "life",
    "decide",
    "ship",
    "evaluate",
    "list",
    "policy",
    "desk",
    "escalation",
    "trust",
    "memory",
    "start",
    "ledger",
    "growth",
)
MODULES = {"list": "listing"}


def main() -> int:
    """Measure the rows asked for and print them."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default=",".join(ROWS), help="rows to measure, with commas: " + ", ".join(ROWS))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := sorted(set(names) - set(ROWS)):
        parser.error(f"there is no row {', '.join(unknown)}; rows are {', '.join(ROWS)}")
    # What was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    environment.prepare()
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        before = os.getloadavg()[0]
        results[name] = importlib.import_module(f"bench.{MODULES.get(name, name)}").measure()
        results[name] |= {"load_before": round(before, 1), "load_after": round(os.getloadavg()[0], 1)}
    print(json.dumps(results) if options.json else table(results))
    return 0


def table(results: dict[str, dict[str, Any]]) -> str:
    """Lay the results out for people."""
    lines = [f"{'row':<10} {'figure':<22} {'value':>12}"]
    lines += [f"{row:<10} {name:<22} {value:>12,}" for row, figures in results.items() for name, value in flat(figures)]
    return "\n".join([*lines, environment.where()])


def flat(figures: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each figure with its name; one that stands in others has theirs in front, with points."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


sys.exit(main())

"""`python -m bench [--only NAME,…] [--json]`: measure, and print a table or one JSON object."""

import argparse
import importlib
import json
import sys
from typing import Any

from bench import environment

ROWS = ("submit", "ship", "evaluate", "list", "policy", "desk", "escalation")
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
    environment.prepare()
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        results[name] = importlib.import_module(f"bench.{MODULES.get(name, name)}").measure()
    print(json.dumps(results) if options.json else table(results))
    return 0


def table(results: dict[str, dict[str, Any]]) -> str:
    """Lay the results out for people."""
    lines = [f"{'row':<10} {'figure':<22} {'value':>12}"]
    lines += [
        f"{row:<10} {name:<22} {value:>12,}" for row, figures in results.items() for name, value in figures.items()
    ]
    return "\n".join([*lines, environment.where()])


sys.exit(main())

"""Memory of the whole portal with its embedded PostgreSQL, idle and under load: PSS of each process."""

import os
import time
from pathlib import Path
from typing import Any

import psutil

from bench import data, servers, submit
from bench.environment import STATE
from bench.load import run

SETTLE_SECONDS = 8.0
REQUESTS = 200


def measure() -> dict[str, Any]:
    """Return MiB of PSS: with one web worker and with two idle, with two under load, and of each program idle."""
    figures: dict[str, Any] = {}
    for workers, name in ((1, "idle_one_worker_mib"), (2, "idle_mib")):
        key = data.fresh_portal()
        with servers.portal(web_workers=workers) as port:
            time.sleep(SETTLE_SECONDS)
            idle = by_program()
            figures[name] = round(sum(idle.values()))
            if workers == 1:
                figures |= {f"{program}_mib": round(size, 1) for program, size in sorted(idle.items())}
            else:
                submit.expect_created(run(port, submit.portal_requests(key, 1, REQUESTS), clients=4))
                figures["loaded_mib"] = round(sum(by_program().values()))
    return figures


def by_program() -> dict[str, float]:
    """Return MiB of PSS of each program of the portal that uses the benchmarks' state folder."""
    found: dict[str, float] = {}
    of_database = {process.pid for process in servers.of_database()}
    for process in psutil.process_iter():
        try:
            words, env = " ".join(process.cmdline()), process.environ()
        except psutil.Error:
            continue
        if process.pid in of_database:
            name = "postgres"
        elif process.pid != os.getpid() and env.get("VAR_DIR") == str(STATE):
            name = next(
                (known for known in ("granian", " worker ", " beat ", " serve", "forking") if known in words), "other"
            )
        else:
            continue
        name = {"granian": "web", " serve": "supervisor", "forking": "nursery"}.get(name, name).strip()
        found[name] = found.get(name, 0.0) + _pss(process.pid)
    return found


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

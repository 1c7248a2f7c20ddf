"""Memory of the whole portal with its embedded PostgreSQL, idle and under load, and processor time while it is idle."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench import data, servers, submit
from bench.environment import STATE
from bench.load import run

SETTLE_SECONDS = 8.0
IDLE_SECONDS = 60.0
REQUESTS = 200


def measure() -> dict[str, Any]:
    """Return MiB of PSS: with one web worker and with two idle, with two under load, and of each program idle.

    `idle_cpu_percent` is what all processes take of one core over a minute with one web worker.
    """
    figures: dict[str, Any] = {}
    for workers, name in ((1, "idle_one_worker_mib"), (2, "idle_mib")):
        key = data.fresh_portal()
        with servers.portal(web_workers=workers) as port:
            time.sleep(SETTLE_SECONDS)
            idle = by_program()
            figures[name] = round(sum(idle.values()))
            if workers == 1:
                figures |= {f"{program}_mib": round(size, 1) for program, size in sorted(idle.items())}
                figures |= idle_cpu()
            else:
                submit.expect_created(run(port, submit.portal_requests(key, 1, REQUESTS), clients=4))
                figures["loaded_mib"] = round(sum(by_program().values()))
    return figures


def by_program() -> dict[str, float]:
    """Return MiB of PSS of each program of the portal that uses the benchmarks' state folder."""
    found: dict[str, float] = {}
    for name, process in _processes():
        found[name] = found.get(name, 0.0) + _pss(process.pid)
    return found


def idle_cpu(seconds: float = IDLE_SECONDS) -> dict[str, float]:
    """Return per cent of a core that each program takes in the next `seconds`, and all of them together.

    A parent has the time of its children that have ended; PostgreSQL's connections are such.
    """
    before = {process.pid: _cpu_seconds(process) for _name, process in _processes()}
    time.sleep(seconds)
    found: dict[str, float] = {}
    for name, process in _processes():
        key = f"idle_cpu_{name}_percent"
        used = _cpu_seconds(process) - before.get(process.pid, 0.0)
        found[key] = found.get(key, 0.0) + used / seconds * 100
    found["idle_cpu_percent"] = sum(found.values())
    return {key: round(value, 2) for key, value in sorted(found.items())}


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _processes() -> Iterator[tuple[str, psutil.Process]]:
    """Give each process of the portal that uses the benchmarks' state folder, with its program's name."""
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
        yield {"granian": "web", " serve": "supervisor", "forking": "nursery"}.get(name, name).strip(), process


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

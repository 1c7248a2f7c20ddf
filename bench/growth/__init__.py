"""What grows with the past: the same steps in portals with 10,000 and with 1,000,000 proposals, and variants of each.

`BENCH_GROWTH=10000,10000000` measures other sizes, `BENCH_GROWTH_VARIANTS=` none of the variants. A past of 10,000,000
takes about 125 GiB of disk.
"""

import os
from typing import Any, Final

from bench import data
from bench.growth import past, variants
from bench.growth.past import Past
from bench.growth.steps import NAMES, Steps

TARGET: Final = 1.5


def measure() -> dict[str, Any]:
    """Return figures by size and variant, and how they grow from the smallest size to the largest."""
    chosen = [name for name in os.environ.get("BENCH_GROWTH_VARIANTS", ",".join(variants.NAMES)).split(",") if name]
    sizes = {}
    for size in past.sizes():
        data.empty_portal()
        sizes[size] = of_one_size(past.make(size), chosen)
        if variants.AGENTS in chosen:
            data.empty_portal()
            many = past.make(size, agents=variants.MANY_AGENTS)
            sizes[size][variants.AGENTS] = Steps(many, agent="agent-007").measure(prefix="a")
    return report(sizes)


def of_one_size(whole: Past, chosen: list[str], **how: int) -> dict[str, Any]:
    """Return what the past used, and the figures of the steps as they are and with each of the variants."""
    used = {
        "fill_s": round(whole.seconds, 1),
        "disk_mib": whole.disk_mib,
        "memory_mib": whole.memory_mib,
        "waiting": whole.waiting,
        "entries": whole.entries,
    }
    figures = {"plain": Steps(whole, **how).measure(prefix="p")}  # type: ignore[arg-type]  # only numbers
    return {"past": used, **figures, **variants.measure(whole, chosen, **how)}


def report(sizes: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Add ratios: of the largest size to the smallest, and of each variant to the plain steps of the same size.

    `worst_ratio` is of processor time. `cpu_at_one_pace` takes out how fast the machine was at either time.
    """
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    ratios = {name: _ratios(large["plain"][name], small["plain"][name]) for name in NAMES}
    sweeps = {
        name: round(used / max(small["plain"]["idle"]["cpu_ms_of"][name], 0.01), 2)
        for name, used in large["plain"]["idle"]["cpu_ms_of"].items()
    }
    beside = {
        str(size): {
            variant: {name: _ratios(steps[name], figures["plain"][name]) for name in NAMES}
            for variant, steps in figures.items()
            if variant not in ("past", "plain")
        }
        for size, figures in sizes.items()
    }
    worst = max(each["cpu"] for each in ratios.values())
    return {
        "worst_ratio": worst,
        "target_ratio": TARGET,
        "ratios": ratios,
        "sweep_ratios": sweeps,
        "variant_ratios": beside,
        "sizes": {str(size): figures for size, figures in sizes.items()},
    }


def _ratios(one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    cpu = one["cpu_ms"] / other["cpu_ms"]
    return {
        "cpu": round(cpu, 2),
        "cpu_at_one_pace": round(cpu * other["yardstick_ms"] / one["yardstick_ms"], 2),
        "median": round(one["median_ms"] / other["median_ms"], 2),
    }

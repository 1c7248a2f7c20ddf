"""Seconds from `manage.py serve` to the first page: with nothing there yet, and with a database that is up to date."""

import time
from statistics import median
from typing import Any

from django.db import connection

from bench import data, servers

ROUNDS = 3


def measure() -> dict[str, Any]:
    """Return `cold_s`, with an empty database, and `migrated_s`, the median of three starts after that."""
    data.fresh_database(connection.settings_dict["NAME"])
    cold, *migrated = [_start() for _ in range(1 + ROUNDS)]
    return {"cold_s": round(cold, 1), "migrated_s": round(median(migrated), 1), "starts": ROUNDS}


def _start() -> float:
    begun = time.monotonic()
    with servers.portal():
        return time.monotonic() - begun

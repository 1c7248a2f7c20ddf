"""What all tests share."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings

from hitlportal.embedded.placement import place

# How fast a busy machine makes up examples, or works through one, says nothing about the code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")

SERVICES = {"redis": "REDIS_URL", "system_postgres": "DATABASE_URL"}


def pytest_configure(config: pytest.Config) -> None:
    """Forget messages of earlier runs; the workers of a parallel run leave that to its head."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(settings.BROKER_DIR / "messages", ignore_errors=True)
    (settings.BROKER_DIR / "messages").mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a service that the environment does not name."""
    for item in items:
        for mark, variable in SERVICES.items():
            if item.get_closest_marker(mark) and not os.environ.get(variable):
                item.add_marker(pytest.mark.skip(reason=f"{variable} is not set"))


@pytest.fixture
def unused_port() -> int:
    """A TCP port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def state_folder() -> Iterator[Path]:
    """A state folder of the test's own, and with it whatever an embedded PostgreSQL keeps elsewhere.

    pytest's temporary folders are closed to the user that root runs PostgreSQL as.
    """
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix="state-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for postgres in (folder / "postgres", folder / "home" / "postgres"):
            if postgres.exists():
                elsewhere = place(postgres).data.parent
                if not elsewhere.is_relative_to(folder):
                    shutil.rmtree(elsewhere)

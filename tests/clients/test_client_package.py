"""The distribution: built, installed alone into an empty environment, and used against a running portal."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pytest_django.live_server_helper import LiveServer

from policies.registry import agents
from tests import world as worlds

CLIENT = Path(__file__).resolve().parent.parent.parent / "clients" / "python"
FIVE_LINES = """
import json, sys
from hitl_portal import Portal, WaitTimedOut
portal = Portal()
@portal.governed(surface="ads.budget", action="shift_budget", title="Move ${amount} from {from_} to {to}", wait=0)
def shift_budget(from_: str, to: str, amount: int) -> str: ...
print(shift_budget("search", "social", 4000))
print(sorted(name for name in sys.modules if name in ("django", "hitlportal", "approvals", "jwt", "cryptography")))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and source distribution, built as `python -m build` would, without the network."""
    folder = tmp_path_factory.mktemp("dist")
    build = f"from hatchling import build as b; b.build_wheel({str(folder)!r}); b.build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=CLIENT, check=True, capture_output=True)
    return folder


def needed(*names: str) -> set[str]:
    """The distributions that `names` ask for, and those that these ask for, where no extra is wanted."""
    closed: set[str] = set()
    open_ = list(names)
    while open_:
        name = open_.pop()
        if name in closed:
            continue
        closed.add(name)
        wanted = [Requirement(text) for text in metadata.requires(name) or ()]
        open_ += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return closed


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, file by file, what the wheel says that it needs."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    described = metadata.PathDistribution(next(site.glob("hitl_portal-*.dist-info")))
    asked = [Requirement(text) for text in described.requires or ()]
    plain = [one.name for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    assert plain == ["httpx"]
    for name in needed(*plain):
        for file in metadata.files(name) or ():
            if file.suffix in {".py", ".pem", ".typed"}:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.locate().read_bytes())
    return folder / "bin" / "python"


def test_wheel_and_source_hold_the_package_and_nothing_else(built: Path):
    (wheel,) = built.glob("*.whl")
    (source,) = built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert "hitl = hitl_portal.cli.main:main" in archive.read(entry).decode()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"hitl_portal"}
    assert "hitl_portal/py.typed" in names and "hitl_portal/receiver.py" in names
    with tarfile.open(source) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "hitl_portal/__init__.py"} <= files
    assert not {name for name in files if name.startswith("tests")}


@pytest.mark.django_db(transaction=True)
def test_the_wheel_alone_runs_the_five_lines_against_a_portal(python: Path, live_server: LiveServer):
    world = worlds.build()
    key = agents.issue_key(agent=world.agent, by=None).text
    environment = {"HITL_PORTAL_URL": live_server.url, "HITL_PORTAL_KEY": key, "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        [python, "-I", "-c", FIVE_LINES], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told, modules = ran.stdout.strip().splitlines()
    assert told.endswith("It has not been done.") and modules == "[]"
    doctor = subprocess.run(
        [python, "-I", "-m", "hitl_portal.cli.main", "doctor"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert doctor.returncode == 0 and "The key is live." in doctor.stdout

"""The threat model names only what exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text()


@pytest.mark.parametrize(("path", "name"), sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT))))
def test_every_test_it_names_exists(path, name):
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:approvals|audit|policies|hitlportal)/[\w/.]*)`", TEXT))))
def test_every_place_it_names_exists(path):
    assert (ROOT / path).exists()

"""What docs/connect/ shows is run."""

import json
import re
from pathlib import Path

import pytest

import hitl_portal
from hitl_portal.testing import FakePortal

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "connect"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("decides", ["approve", "reject"])
def test_the_blocks_for_python_run_as_they_stand(decides, monkeypatch):
    portal = FakePortal(decides, because="Too early.")
    monkeypatch.setattr(hitl_portal, "Portal", lambda: portal)
    told = []
    for block in blocks("python.md", "python"):
        names: dict = {}
        exec(compile(block, "python.md", "exec"), names)
        told.append(names.get("answer"))
    if decides == "approve":
        assert told[0].startswith("Done:") and told[1] is None
    else:
        assert "Too early." in told[0] and told[1] == "Too early."
    assert len(portal.proposals) == 2


def test_the_settings_of_an_mcp_host_are_json_and_name_the_address():
    (block,) = blocks("mcp.md", "json")
    server = json.loads(block)["mcpServers"]["hitl-portal"]
    assert server["url"].endswith("/mcp/") and server["headers"]["Authorization"].startswith("Bearer hitl_")


def test_every_page_begins_with_its_lines_and_is_listed():
    listed = (PAGES / "README.md").read_text()
    for page in PAGES.glob("*.md"):
        if page.name != "README.md":
            assert f"]({page.name})" in listed
            assert page.read_text().split("\n\n")[1].startswith("```")

"""The README tells the truth."""

import json
import os
import re
import shutil
import subprocess

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.world import person

DOCUMENTS = sorted([*settings.BASE_DIR.glob("*.md"), *(settings.BASE_DIR / "docs").glob("*.md")])
README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_the_lines_of_the_log_name_the_modules_that_write_them():
    operations = (settings.BASE_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
    modules = re.findall(r"^\| `([a-z_.]+): ", operations, re.MULTILINE)
    assert len(modules) > 4
    missing = [module for module in modules if not (settings.BASE_DIR / f"{module.replace('.', '/')}.py").is_file()]
    assert missing == []


def test_every_command_it_lists_exists():
    section = README.split("## Commands")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| `([a-z_]+)", section, re.MULTILINE))
    there = {path.stem for path in settings.BASE_DIR.glob("*/management/commands/[a-z]*.py")}
    assert listed == there


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.django_db(transaction=True)
def test_the_first_proposal_goes_as_it_says(live_server, capsys):
    person("admin")
    (options,) = re.findall(r"manage\.py bootstrap (.+)", README)
    call_command("bootstrap", *options.split())
    (words,) = re.findall(r"manage\.py create_agent (.+)", README)
    call_command("create_agent", *words.split())
    key = re.search(r"hitl_\S+", capsys.readouterr().out)[0]

    (block,) = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "curl" in block]
    script = block.replace("http://127.0.0.1:8000", live_server.url)
    done = subprocess.run(
        ["sh", "-ec", script], env={"PATH": os.environ["PATH"], "KEY": key}, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert (said["state"], said["owner"], said["verdict"]["tier"]) == ("pending", "Marketing manager", "single")
    assert said["revision"]["payload"] == {"from": "search", "to": "social", "amount": 4000}

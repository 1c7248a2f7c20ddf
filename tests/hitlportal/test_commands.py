"""Every management command is tested, and the small ones are tested here."""

from importlib import import_module
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.management import CommandError, call_command

from approvals.shipping import grants

APPS = ("hitlportal", "approvals", "policies", "audit")
COMMANDS = sorted(
    path for app in APPS for path in (settings.BASE_DIR / app).glob("management/commands/*.py") if path.stem[0] != "_"
)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_command_is_without_a_test(path: Path):
    tests = [test.read_text() for test in (settings.BASE_DIR / "tests").rglob("test_*.py")]
    called = (f'call_command("{path.stem}"', f'manage.py", "{path.stem}"', f'"{path.stem}",')
    assert any(call in text for text in tests for call in called)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_every_command_says_what_it_does(path: Path):
    app = path.parts[-4]
    command = import_module(f"{app}.management.commands.{path.stem}").Command
    assert str(command.help).endswith(".")


def test_make_signing_key_prints_a_key_that_signs_under_the_kid_it_names(capsys, settings):
    call_command("make_signing_key")
    printed = capsys.readouterr()
    assert load_pem_private_key(printed.out.encode(), None)
    settings.GRANT_SIGNING_KEY = printed.out
    assert f"kid {grants.public_keys()['keys'][0]['kid']}\n" in printed.err


@pytest.mark.django_db
def test_bootstrap_wants_a_migrated_database(monkeypatch):
    monkeypatch.setattr(
        "approvals.management.commands.bootstrap.MigrationExecutor.migration_plan", lambda *_: ["something"]
    )
    with pytest.raises(CommandError, match="migrate first"):
        call_command("bootstrap")

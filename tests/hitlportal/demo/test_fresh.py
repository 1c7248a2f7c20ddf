"""A demo in a folder that another version left."""

import io

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from hitlportal.demo import fresh
from hitlportal.demo.memory import Folder, Memory
from hitlportal.health.versions import OtherVersion
from hitlportal.management.commands import demo

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings):
    settings.BROKER_DIR = tmp_path / "broker"
    folder = Folder(tmp_path)
    folder.save(Memory(passwords={"manager": "of another version"}))
    for file in (folder.journal, folder.deliveries, folder.log, settings.BROKER_DIR / "messages" / "one"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("old")
    folder.mail.mkdir()
    return folder


@pytest.fixture(params=["policies.0002_everywhere", "hitlportal.0001_cache", "approvals.0012_callbacks_and_decisions"])
def older(folder, request):
    """A demo that remembers a migration of a chain before this one, each of which was drawn together later."""
    MigrationRecorder(connection).record_applied(*request.param.split("."))
    return folder


def refuse(_question):
    return False


def never(question):
    raise AssertionError(question)


def test_a_demo_of_this_version_goes_on_without_a_question(folder):
    fresh.make_room(folder, agrees=never)
    assert folder.load().passwords
    assert "policies_surface" in connection.introspection.table_names()


def test_a_demo_of_another_version_starts_afresh_once_agreed(older):
    questions = []
    fresh.make_room(older, agrees=lambda question: not questions.append(question))
    assert str(older.path) in questions[0]
    assert connection.introspection.table_names() == []
    assert older.load() == Memory()
    assert sorted(path.name for path in older.path.rglob("*") if path.is_file()) == ["portal.log"]


def test_a_demo_of_another_version_stays_as_it_is_if_not_agreed(older):
    with pytest.raises(OtherVersion, match="Nothing was changed"):
        fresh.make_room(older, agrees=refuse)
    assert older.load().passwords == {"manager": "of another version"}
    assert "policies_surface" in connection.introspection.table_names()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("check", "stdin", "expected"),
    [
        pytest.param(True, io.StringIO(), True, id="a-check-agrees-by-itself"),
        pytest.param(False, io.StringIO("y\n"), False, id="nobody-there-to-ask"),
        pytest.param(False, Terminal("y\n"), True, id="yes"),
        pytest.param(False, Terminal("\n"), False, id="enter-is-no"),
    ],
)
def test_who_agrees_to_start_afresh(check, stdin, expected, monkeypatch):
    monkeypatch.setattr("sys.stdin", stdin)
    command = demo.Command()
    command._lock = demo.threading.Lock()
    assert command._agrees("Start afresh?", check=check) is expected

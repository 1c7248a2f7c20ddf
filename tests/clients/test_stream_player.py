"""The replay command against a far side on this machine."""

import json
import threading
import time

import pytest
from django.core.management import CommandError, call_command

from tests.approvals.outbox.servers import answer, serving


class Portal:
    """Answers proposals as scripted, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: dict[str, list[bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def handle(self, connection, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        key = next(line for line in head.decode().split("\r\n") if line.lower().startswith("idempotency-key"))
        title = json.loads(body)["title"]
        with self._lock:
            self.asked.append((title, key.split(": ")[1]))
            scripted = self.script.get(title)
            said = scripted.pop(0) if scripted else taken()
        connection.sendall(said)


def taken(state: str = "pending", *headers: str) -> bytes:
    return answer(201, json.dumps({"id": "1", "state": state}).encode(), "Connection: close", *headers)


def refused(status: int, code: str, *headers: str) -> bytes:
    return answer(status, json.dumps({"code": code}).encode(), "Connection: close", *headers)


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "stream.jsonl"
    path.write_text("".join(json.dumps({"title": title}) + "\n" for title in "abcd"))
    return path


def replay(stream, port: int, *words: str) -> None:
    call_command("play_stream", str(stream), "--url", f"http://127.0.0.1:{port}", "--key", "hitl_x", *words)


def test_every_line_is_counted_by_what_became_of_it(portal, stream, capsys):
    portal.script = {
        "b": [taken("approved")],
        "c": [refused(422, "invalid_proposal")],
        "d": [taken("pending", "Idempotency-Replayed: true")],
    }
    with serving(portal.handle) as port:
        replay(stream, port)
    out = capsys.readouterr().out
    assert "lines 4" in out
    assert "state approved 1" in out
    assert "state pending 2" in out
    assert "refused 422 invalid_proposal 1" in out
    assert "proposed before 1" in out
    assert "latency p50 " in out
    assert len({key for _, key in portal.asked}) == 4


def test_a_busy_portal_is_asked_again_under_the_same_key(portal, stream, capsys):
    portal.script = {
        "a": [refused(429, "throttled", "Retry-After: 0"), taken()],
        "b": [refused(503, "busy", "Retry-After: 0"), refused(503, "busy", "Retry-After: 0"), taken()],
        "c": [b"", taken()],  # hung up without an answer
    }
    with serving(portal.handle) as port:
        replay(stream, port)
    assert "state pending 4" in capsys.readouterr().out
    assert len(portal.asked) == 8
    assert len({key for _, key in portal.asked}) == 4


def test_a_repeated_replay_uses_the_same_keys(portal, stream):
    with serving(portal.handle) as port:
        replay(stream, port, "--threads", "1")
        replay(stream, port, "--threads", "3")
        first, second = portal.asked[:4], portal.asked[4:]
        assert sorted(first) == sorted(second)
        replay(stream, port, "--run", "again")
    assert not {key for _, key in first} & {key for _, key in portal.asked[8:]}


def test_lines_without_an_answer_fail_the_replay(portal, stream, capsys, monkeypatch, unused_port):
    monkeypatch.setattr("hitl_portal.stream_player.TRIES", 2)
    with pytest.raises(CommandError, match="4 of 4 lines have no answer"):
        replay(stream, unused_port)
    assert "no answer ConnectError 4" in capsys.readouterr().out


def test_a_success_without_a_state_is_no_answer(portal, stream, capsys):
    portal.script = {"a": [answer(200, b"<html>", "Connection: close")]}
    with serving(portal.handle) as port, pytest.raises(CommandError, match="1 of 4"):
        replay(stream, port)
    assert "no answer 200 without a state 1" in capsys.readouterr().out


def test_a_broken_stream_is_told_before_anything_is_sent(portal, stream):
    stream.write_text('{"title": "a"}\nnonsense\n')
    with serving(portal.handle) as port, pytest.raises(CommandError, match="Line 2 is not JSON"):
        replay(stream, port)
    assert not portal.asked


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--threads", "0"], "from 1 to 64"),
        (["--only", "action"], "FIELD=VALUE"),
        (["--map", "missing.json"], "missing.json"),
    ],
)
def test_wrong_options_are_explained(stream, words, says):
    with pytest.raises(CommandError, match=says):
        replay(stream, 9, *words)


def test_the_rate_is_kept(portal, stream):
    with serving(portal.handle) as port:
        began = time.monotonic()
        replay(stream, port, "--rate", "20")
    assert time.monotonic() - began >= 3 / 20

import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from hitlportal.processes import broker


@pytest.fixture
def channel(tmp_path):
    broker.register()
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path)}
    with Connection(f"{broker.SCHEME}://localhost", transport_options=options) as connection:
        yield connection.default_channel


def test_messages_come_in_the_order_they_went(channel):
    for number in range(3):
        channel._put("work", {"number": number})
    assert [channel._get("work")["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("work")


def test_queues_do_not_mix(channel):
    channel._put("work", {"number": 1})
    with pytest.raises(Empty):
        channel._get("play")
    assert channel._size("work") == 1


def test_nothing_is_left_behind(channel, tmp_path):
    channel._put("work", {"number": 1})
    channel._get("work")
    assert [path for path in Path(tmp_path).iterdir() if path.is_file()] == []


def test_every_message_is_whole_and_taken_once(channel):
    taken, total = [], 200

    def write(start):
        for number in range(start, start + total // 2):
            channel._put("work", {"number": number, "filling": "x" * 20_000})

    def read():
        while len(taken) < total:
            try:
                taken.append(channel._get("work")["number"])
            except Empty:
                continue

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, total // 2)]
    threads += [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(taken) == list(range(total))

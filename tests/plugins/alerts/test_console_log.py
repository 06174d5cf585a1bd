"""The console and the log file: lines that are whole, rotated, and never what holds up anything else."""

import asyncio
import json
import sys
import threading

import pytest

from collector_core import Reason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.background_delivery import attempt_delivery
from collector_plugins.alerts.console_log import ConsoleChannel
from collector_plugins.alerts.notification import alert_payload
from tests.plugins.alerts.conftest import hot, message


def test_the_console_has_a_line_with_the_time_and_the_text_below_it(send, capsys):
    assert send(type="console") is None
    assert capsys.readouterr().out.splitlines() == [
        "2023-11-14T22:13:20.000Z [FIRING] warning Hot: It is hot",
        "- firing warning Hot: It is hot",
        "  since 2023-11-14T22:13:20.000Z",
        "  labels: alertname=Hot, severity=warning",
    ]


def test_nothing_that_is_printed_steers_the_terminal(send, capsys):
    alert = Alert("1", {"alertname": "Hot", "severity": "warning"}, 1.7e9, "\x1b[2J\r\nowned", fix="\x07\x9b")
    send(message(0, alert), type="console")
    printed = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\r") & set(printed)


def test_the_log_has_a_line_of_json_for_each_alert(send, tmp_path):
    path = tmp_path / "folder" / "alerts.log"
    for each in (message(0, hot(1), hot(2)), message(60, hot(3))):
        assert send(each, type="log", path=str(path)) is None
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["fingerprint"] for line in lines] == ["1", "2", "3"]
    assert lines[0] == {
        "time": "2023-11-14T22:13:20.000Z",
        "notification": message(0, hot(1), hot(2)).id,
        "headline": "[FIRING:2] Hot (2)",
        "omitted": 0,
        **alert_payload(hot(1)),
    }


def test_a_line_of_the_log_keeps_what_people_wrote(send, tmp_path):
    path = tmp_path / "alerts.log"
    send(message(0, Alert("1", {"alertname": "Heiß"}, 1.7e9, "zu heiß\n!")), type="log", path=str(path))
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert "zu heiß" in line
    assert json.loads(line)["annotations"]["summary"] == "zu heiß\n!"


def test_a_log_that_was_moved_away_is_begun_anew(send, tmp_path):
    path = tmp_path / "alerts.log"
    send(message(1), type="log", path=str(path))
    path.rename(tmp_path / "moved.log")
    send(message(2), type="log", path=str(path))
    assert [len(each.read_text().splitlines()) for each in (path, tmp_path / "moved.log")] == [1, 1]


def test_a_full_log_is_rotated_and_so_many_old_ones_are_kept(send, tmp_path):
    path = tmp_path / "alerts.log"
    for number in range(20):
        send(message(number), type="log", path=str(path), max_bytes=1000, backups=2)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["alerts.log", "alerts.log.1", "alerts.log.2"]
    assert all(0 < file.stat().st_size <= 1000 for file in files)
    assert json.loads(path.read_text().splitlines()[-1])["notification"] == message(19).id


def test_a_log_on_a_full_disk_says_so_and_may_be_tried_again(send):
    error = send(type="log", path="/dev/full")
    assert (error.reason, error.detail) == (Reason.PERMISSION, "cannot be written: No space left on device")


def test_a_log_that_cannot_be_rotated_says_so(send, tmp_path):
    path = tmp_path / "alerts.log"
    path.write_text("x" * 2000)
    (tmp_path / "alerts.log.1").mkdir()
    error = send(type="log", path=str(path), max_bytes=1000, backups=1)
    assert error.reason is Reason.PERMISSION
    assert path.read_text() == "x" * 2000


def test_a_log_below_a_file_cannot_be_written(send, tmp_path):
    (tmp_path / "file").write_text("")
    assert send(type="log", path=str(tmp_path / "file" / "alerts.log")).reason is Reason.PERMISSION


class HangingOutput:
    """Standard output that nobody reads: a write waits until it is released."""

    def __init__(self):
        self.written, self.released = [], threading.Event()

    def write(self, text):
        self.written.append(text)
        self.released.wait(30)

    def flush(self):
        pass


@pytest.fixture
def output():
    made = HangingOutput()
    yield made
    made.released.set()


def test_while_a_write_hangs_no_second_one_is_begun_and_afterwards_all_goes_on(run, output, monkeypatch, eventually):
    channel = ConsoleChannel()
    monkeypatch.setattr(sys, "stdout", output)

    async def story():
        first = asyncio.create_task(attempt_delivery(channel.send(message(1)), 30))
        await asyncio.to_thread(eventually, lambda: output.written)
        first.cancel()
        second = await attempt_delivery(channel.send(message(2)), 30)
        assert (second.reason, second.detail) == (Reason.TIMEOUT, "an earlier message is still being written")
        assert len(output.written) == 1
        output.released.set()
        await asyncio.to_thread(channel._worker._thread.join, 30)
        assert await attempt_delivery(channel.send(message(2)), 30) is None

    run(story())
    assert len(output.written) == 2


def test_a_write_that_hangs_keeps_neither_the_loop_nor_the_program_from_ending(output, monkeypatch, eventually):
    channel = ConsoleChannel()
    monkeypatch.setattr(sys, "stdout", output)

    async def story():
        task = asyncio.create_task(channel.send(message(1)))
        await asyncio.to_thread(eventually, lambda: output.written)
        task.cancel()

    asyncio.run(story())
    assert channel._worker._thread.daemon
    output.released.set()
    channel._worker._thread.join(30)
    assert not channel._worker._thread.is_alive(), "that the loop is closed is no error of the thread"


def test_an_output_that_breaks_in_an_unknown_way_is_a_failure_like_any_other(send, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert send(type="console").detail == "AttributeError while sending"

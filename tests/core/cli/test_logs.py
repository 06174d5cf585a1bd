"""Log lines: one per event, without secrets, without floods, and never in the way."""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from collector_core import FaultLog, NotAvailable
from collector_core.cli import logs
from collector_core.config.redactor import Redactor, redact


@pytest.fixture
def log_to(monkeypatch):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()

    def configure(log_format):
        monkeypatch.setattr(sys, "stderr", stream)
        redactor = Redactor()
        logs.configure("info", log_format, redactor)
        return stream, redactor

    yield configure
    root.handlers, root.level = before
    logging.raiseExceptions = True


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_never_reach_a_line_not_even_in_a_traceback(log_to, log_format):
    stream, redactor = log_to(log_format)
    redactor.hide(["hunter2", "hunter2-long"])
    try:
        raise ValueError("password hunter2-long refused")
    except ValueError:
        logging.getLogger("x").exception("login with %s failed", "hunter2")
    assert "hunter2" not in stream.getvalue()
    assert "-long" not in stream.getvalue()
    assert "login with <secret> failed" in stream.getvalue()


def test_json_lines_are_json(log_to):
    stream, _ = log_to("json")
    logging.getLogger("x").warning("two\nlines and a %s", '"quote"')
    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["logger"], entry["message"]) == ("warning", "x", 'two\nlines and a "quote"')


def test_a_flood_is_cut_and_other_loggers_are_not(log_to):
    stream, _ = log_to("text")
    for number in range(10_000):
        logging.getLogger("noisy").info("line %d", number)
    logging.getLogger("quiet").info("still heard")
    lines = stream.getvalue().splitlines()
    assert len(lines) == logs.FLOOD_LINES + 2
    assert "the rest is left out" in lines[-2]
    assert "still heard" in lines[-1]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_flood_of_a_collectors_own_lines_does_not_hide_why_it_fails(log_to, log_format):
    stream, _ = log_to(log_format)
    log = logging.getLogger("collector.noisy")
    for number in range(10_000):
        log.warning("look at %d", number)
    faults = FaultLog(log)
    for number in range(100):
        faults.record_failure(f"host={number}", NotAvailable("unreachable", "refused", fix="start it"))
    faults.record_incident("close failed", OSError("gone"))
    lines = stream.getvalue().splitlines()
    assert sum("refused; fix: start it" in line for line in lines) == 100
    assert "close failed" in lines[-1]


def test_causes_without_end_are_cut_too(log_to):
    stream, _ = log_to("text")
    faults = FaultLog(logging.getLogger("collector.noisy"))
    for number in range(10_000):
        faults.record_failure(f"id={number}", NotAvailable("unreachable", "refused"))
    assert len(stream.getvalue().splitlines()) == logs.CAUSES + 1


def test_a_full_disk_behind_stderr_loses_lines_and_nothing_else():
    code = """
import logging
from collector_core.cli import logs
from collector_core.config.redactor import Redactor
logs.configure("info", "text", Redactor())
for _ in range(100):
    logging.getLogger("x").info("line")
print("alive")
"""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stderr=full, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.stdout == "alive\n"


def test_controls_and_forged_lines_are_made_visible(log_to):
    stream, _ = log_to("text")
    logging.getLogger("x").warning(
        "%s", "red \x1b[31m, C1 \x9b2J, back\r\b, turned \u202e\n2026-01-31T12:00:00Z ERROR x: forged"
    )
    first, second = stream.getvalue().splitlines()
    assert first.endswith(r"red \x1b[31m, C1 \x9b2J, back\x0d\x08, turned \u202e")
    assert second == "  2026-01-31T12:00:00Z ERROR x: forged"


def test_json_lines_have_no_controls_either(log_to):
    stream, _ = log_to("json")
    logging.getLogger("x").warning("C1 \x9b2J and Wärme")
    assert json.loads(stream.getvalue())["message"] == r"C1 \x9b2J and Wärme"


STALLING = """
import logging, sys
from collector_core.cli import logs
from collector_core.cli.exit import leave
from collector_core.config.redactor import Redactor
logs.configure("info", "text", Redactor(), in_background=True)
logs.FLOOD_LINES = 10**9
for _ in range(20_000):
    logging.getLogger("x").info("x" * 100)
print("alive", flush=True)
leave(0)
"""


def test_a_reader_of_stderr_that_stalls_holds_up_nobody_not_even_the_end():
    command = [sys.executable, "-c", STALLING]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "alive\n"
        assert process.wait(60) == 0


def test_what_a_slow_reader_missed_is_counted():
    command = [sys.executable, "-c", STALLING.replace("leave(0)", "sys.stdin.read(); leave(0)")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, stdout=pipe, text=True) as process:
        process.stdout.readline()
        lines = process.stderr
        assert any("log lines are lost: whoever reads stderr is too slow" in line for line in lines)
        process.stdin.close()
        lines.read()
        assert process.wait(60) == 0


def test_redaction_leaves_nothing_of_overlapping_secrets():
    assert redact("abcdef abc", ["abc", "abcdef"]) == "<secret> <secret>"

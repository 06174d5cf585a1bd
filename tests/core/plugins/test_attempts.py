"""Plugins' code at the start: it may raise anything and hang, and says what it has to say when it comes back."""

import sys
import threading
from asyncio import CancelledError

import pytest

from collector_core.plugins.attempts import MAX_HUNG, Attempts, PluginFailed, StillBusy


class Mute(Exception):
    def __str__(self):
        raise SystemExit("no words")


def make(attempts, work, what="lamp", key=None):
    return attempts.make(what, key, __name__, work)


def test_what_returns_is_the_result():
    assert make(Attempts(), lambda: 5) == 5


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no bulb"), "ValueError: no bulb"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (CancelledError(), "CancelledError"),
        (BaseException("panic"), "BaseException: panic"),
        (Mute(), "Mute: cannot say what is wrong"),
    ],
)
def test_what_raises_anything_is_described(error, text):
    def work():
        raise error

    with pytest.raises(PluginFailed) as caught:
        make(Attempts(), work)
    assert (str(caught.value), caught.value.cause) == (text, error)


def test_what_hangs_is_named_with_its_place_and_called_once(gate, caplog):
    calls = []

    def work():
        calls.append(1)
        gate.wait()

    attempts = Attempts(0.05)
    for _ in range(3):
        with pytest.raises(StillBusy, match=r"^lamp has not returned after \d+\.\d s \(test_attempts\.py:\d+\)$"):
            make(attempts, work)
    assert len(calls) == 1
    assert caplog.text.count("lamp has not returned") == 1


def test_an_exception_whose_text_hangs_hangs(gate):
    class Slow(Exception):
        def __str__(self):
            gate.wait()
            return ""

    def work():
        raise Slow

    with pytest.raises(StillBusy):
        make(Attempts(0.05), work)


def test_what_comes_late_is_told_and_taken(gate):
    late = threading.Event()
    attempts = Attempts(0.05, late.set)
    with pytest.raises(StillBusy):
        make(attempts, gate.wait)
    gate.set()
    assert late.wait(60)
    assert make(attempts, lambda: 1 / 0) is True  # what the first call brought
    assert attempts.late == 1
    assert make(attempts, lambda: 6) == 6


def test_another_key_is_another_call_but_not_without_end(gate):
    calls = []

    def work():
        calls.append(1)
        gate.wait()

    attempts = Attempts(0.01)
    for key in range(MAX_HUNG + 5):
        with pytest.raises(StillBusy):
            make(attempts, work, key=key)
    assert len(calls) == MAX_HUNG
    assert make(attempts, lambda: 5, what="desk") == 5


def test_a_module_that_is_imported_by_two_hangs_for_both_only(gate, tmp_path, monkeypatch):
    (tmp_path / "slow_library.py").write_text("import gate_of_test; gate_of_test.wait()")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "gate_of_test", gate)
    attempts = Attempts(0.05)
    for what in ("lamp", "desk"):
        with pytest.raises(StillBusy):
            make(attempts, lambda: __import__("slow_library"), what=what)
    assert make(attempts, lambda: __import__("json"), what="door").dumps([]) == "[]"
    gate.set()

"""Whether a ledger could use the energy meters of a collector."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from collector_core.collector import Collector
from collector_core.errors import ReadingError, describe
from collector_core.metering.meters import Account, EnergyMeter, EnergyReading, account_of, checked
from collector_core.model.labels import check_label
from collector_core.plugins.hookspecs import implementation

ANSWER_SECONDS = 1.0  # what is known already is told in microseconds

AnswerT = TypeVar("AnswerT")


class MeterWatch:
    """Looks at the meters of one collector now and then, on another thread, as the ledger does.

    `look` raises `AssertionError` where they are not energy meters, two of them are the same, one blocks or raises, or
    says what is not energy or less than it said before.
    """

    def __init__(self, collector: Collector[Any]) -> None:
        self._offer = implementation(collector, "collector_energy_meters") or tuple
        self._last: dict[tuple[str, Account], EnergyReading] = {}

    def look(self) -> None:
        """Ask for the meters, and each of them for what it knows."""
        offered = _answer("collector_energy_meters()", lambda: list(self._offer()))
        are_meters = all(isinstance(meter, EnergyMeter) for meter in offered)
        assert are_meters, f"collector_energy_meters() must return energy meters, got {offered!r}"
        accounts = [(meter.host, account_of(meter)) for meter in offered]
        for meter, account in zip(offered, accounts, strict=True):
            assert accounts.count(account) == 1, f"there is {meter.name} twice: give them different devices"
            self._look_at(meter, account)

    def _look_at(self, meter: EnergyMeter, account: tuple[str, Account]) -> None:
        assert meter.device, f"{meter.name}: device is empty"
        try:
            check_label("energy meter", "device", meter.device)
            reading = checked(_answer(f"latest() of {meter.name}", meter.latest))
        except ReadingError as error:
            raise AssertionError(f"{meter.name}: {error}") from error
        if reading is not None:
            before = self._last.setdefault(account, reading)
            fell = any(now < then for now, then in zip(reading, before, strict=True))
            assert not fell, f"{meter.name} fell from {before} to {reading}"
            self._last[account] = reading


class _Asked(Generic[AnswerT]):
    """A function that is called on a thread of its own."""

    def __init__(self, function: Callable[[], AnswerT]) -> None:
        self._function = function
        self.answer: AnswerT | None = None
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._call, name="meter-watch", daemon=True)

    def _call(self) -> None:
        try:
            self.answer = self._function()
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked
            self.error = error


def _answer(what: str, function: Callable[[], AnswerT]) -> AnswerT:
    """What a function returns; raises `AssertionError` where it raises, or does not return."""
    asked = _Asked(function)
    asked.thread.start()
    asked.thread.join(ANSWER_SECONDS)
    assert not asked.thread.is_alive(), f"{what} does not answer{_place(asked.thread)}: it must not block"
    if asked.error is not None:
        raise AssertionError(f"{what} raises {describe(asked.error)}") from asked.error
    return cast("AnswerT", asked.answer)


def _place(thread: threading.Thread) -> str:
    """Where a thread is, outside of Python's own `threading`."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the only way to know
    calls = [call for call in traceback.extract_stack(frame) if call.filename != threading.__file__]
    return f" ({Path(calls[-1].filename).name}:{calls[-1].lineno})" if frame and calls else ""

"""The past as a plugin asks for it, from the store of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from collector_core.errors import HistoryUnavailable, NotAvailable, Reason
from collector_core.history import query
from collector_core.history.energy import BY, energy_of
from collector_core.history.interface import ConcurrentReader, HistoryReader
from collector_core.history.options import HistoryOptions
from collector_core.history.past import History, PastEnergy, PastEvent, PastSeries
from collector_core.history.query import Fn, HistoryQuery
from collector_core.history.stores import check_folder, live_store
from collector_core.history.times import LATEST, all_in_seconds, in_seconds
from collector_core.model.clock import Clock
from collector_core.model.selector import Selector

OPENING_SECONDS = 2.0  # that are waited for the store when the program starts


class StoredHistory(History):
    """Asks a reader of its own for each thread; `is_open` is set once it was tried to open the store."""

    def __init__(self, new_reader: Callable[[], ConcurrentReader], is_open: threading.Event) -> None:
        self._new_reader = new_reader
        self._is_open = is_open
        self._of_thread = threading.local()

    @property
    def is_kept(self) -> bool:
        """Whether there is a history at all: yes."""
        return True

    def query(
        self, selector: Selector | None, start: float, end: float, *, step: float | None = None, fn: str = "mean"
    ) -> list[PastSeries]:
        """As `History.query`."""
        asked = HistoryQuery(selector, _milliseconds(start), _milliseconds(end), _step(step), Fn(fn))
        if asked.fn is Fn.RATE and asked.step is None:
            raise ValueError("a rate is that of a step")
        with self._reading() as store:
            return [
                PastSeries(kept.series, list(zip(all_in_seconds(times), values, strict=True)))
                for kept, times, values in query.run(store, asked)
            ]

    def events(self, start: float, end: float) -> list[PastEvent]:
        """As `History.events`."""
        with self._reading() as store:
            found = store.events(_milliseconds(start), _milliseconds(end))
        return [PastEvent(in_seconds(time), *said) for time, *said in found]

    def energy(self, start: float, end: float, *, by: str = "component") -> PastEnergy:
        """As `History.energy`."""
        if by not in BY:
            raise ValueError(f"{by!r} is none of {', '.join(BY)}")
        with self._reading() as store:
            found = energy_of(store, _milliseconds(start), _milliseconds(end), by)
        return _energy(found["total"], {row[by]: _energy(row, {}) for row in found["rows"]})

    @contextmanager
    def _reading(self) -> Iterator[HistoryReader]:
        if not self._is_open.wait(OPENING_SECONDS):
            raise HistoryUnavailable(Reason.TIMEOUT, "the history is not open yet")
        if not hasattr(self._of_thread, "reader"):
            self._of_thread.reader = self._new_reader()
        try:
            with self._of_thread.reader.reading() as store:
                yield store
        except NotAvailable as error:
            raise HistoryUnavailable(error.reason, f"history: {error.detail}", fix=error.fix) from error


def kept_history(options: HistoryOptions, clock: Clock) -> History:
    """What a service with these options has kept; it may be running. Raises `NotAvailable` where it never ran."""
    check_folder(options)
    is_open = threading.Event()
    is_open.set()
    return StoredHistory(live_store(options, clock, is_open.set).reader, is_open)


def _milliseconds(seconds: float) -> int:
    return round(min(max(seconds * 1000, 0), LATEST))


def _step(seconds: float | None) -> int | None:
    if seconds is None:
        return None
    if not 0.001 <= seconds * 1000 <= LATEST:
        raise ValueError(f"a step of {seconds:g} s is not possible")
    return round(seconds * 1000)


def _energy(row: dict[str, Any], parts: dict[str, PastEnergy]) -> PastEnergy:
    return PastEnergy(row["joules"], row["cost"], row["grams"], row["covered_seconds"], parts)

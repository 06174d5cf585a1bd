"""What was observed → what is stored: rounded values, rises of counters, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from collector_core.history.catalogue import KeptSeries
from collector_core.history.clock_guard import ClockGuard
from collector_core.history.interface import HistorySample
from collector_core.history.rises import rise
from collector_core.history.selection import Observed

Last = Callable[[KeptSeries], float | None]


class Recorder:
    """Follows the counters of one process; `confirm` says that what `samples` returned is stored.

    `stored_last` looks up the last value of a counter in the store, for its first reading in this process. The ledger's
    counters begin with the process, so that their first value is their rise.
    """

    def __init__(self, stored_last: Last, guard: ClockGuard) -> None:
        self._stored_last = stored_last
        self._guard = guard
        self._last: dict[str, float] = {}
        self._new: dict[str, float] = {}
        self.recorded_until = 0

    def samples(self, observed: Iterable[Observed]) -> list[HistorySample]:
        """What to store of these runs; they may come again until `confirm`."""
        self._new = {}
        return [sample for each in observed for sample in self._samples(each)]

    def confirm(self) -> None:
        """What was returned last is stored, or recorded by another process."""
        self._last |= self._new
        self._new = {}

    def _samples(self, observed: Observed) -> Iterator[HistorySample]:
        self.recorded_until = self._guard.until(observed.time, observed.monotonic)
        if self.recorded_until:
            return
        for (kept, places), value in zip(observed.chosen, observed.values, strict=True):
            if places is not None:
                value = round(value, places)  # noqa: PLW2901 - what their meter can know
            growth = self._rise(kept, value) if kept.is_counter else 0.0
            yield HistorySample(kept, observed.time, value, growth)

    def _rise(self, kept: KeptSeries, value: float) -> float:
        text = kept.series.text
        before = self._new.get(text, self._last.get(text))
        if before is None:
            before = 0.0 if kept.is_ledger else self._stored_last(kept)
        self._new[text] = value
        return rise(before, value)

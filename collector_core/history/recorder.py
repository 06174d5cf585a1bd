"""What was observed → what is stored: rounded values, rises of counters, nothing twice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from collector_core.history.catalogue import KeptSeries
from collector_core.history.clock_guard import ClockGuard
from collector_core.history.interface import Batch
from collector_core.history.rises import rise, rises_of_decimals
from collector_core.history.selection import Choice, Observed

Last = Callable[[KeptSeries], float | None]

_MOST_EXACT = 1e9  # from here on numbers are rounded one by one
_MOST_DECIMALS = 6


class Recorder:
    """Follows the counters of one process; `confirm` says that what `batches` returned is stored.

    `stored_last` looks up the last value of a counter in the store, for its first reading in this process. The ledger's
    counters begin with the process, so that their first value is their rise.

    The last values of counters are a column of each choice, as long as the same ones come again; where another choice
    comes, all are looked up by their texts once.
    """

    def __init__(self, stored_last: Last, guard: ClockGuard) -> None:
        self._stored_last = stored_last
        self._guard = guard
        self._last: dict[str, float] = {}
        self._columns: dict[Choice, array[float]] = {}
        self._new: dict[str, float] = {}
        self._new_columns: dict[Choice, array[float]] = {}
        self.recorded_until = 0

    def batches(self, observed: Iterable[Observed]) -> list[Batch]:
        """What to store of these runs; they may come again until `confirm`."""
        self._new, self._new_columns = {}, dict(self._columns)
        found = list[Batch]()
        latest: dict[Choice, Batch] = {}
        for each in observed:
            self.recorded_until = self._guard.until(each.time, each.monotonic)
            if self.recorded_until:
                continue
            batch = latest.get(each.choice)
            if batch is None or each.time <= batch.times[-1]:
                batch = latest[each.choice] = Batch(each.choice.group, array("q"), array("d"), array("d"))
                found.append(batch)
            self._add(batch, each)
        return found

    def confirm(self) -> None:
        """What was returned last is stored, or recorded by another process."""
        self._last |= self._new
        self._columns = self._new_columns
        self._new = {}

    def _add(self, batch: Batch, observed: Observed) -> None:
        values = _rounded(observed)
        batch.times.append(observed.time)
        batch.values.extend(values)
        batch.rises.extend(self._rises(observed.choice, values[: batch.group.counters]))

    def _rises(self, choice: Choice, values: array[float]) -> Iterable[float]:
        before = self._new_columns.get(choice)
        if before is None:
            self._name_all()
            kept = choice.group.kept[: len(values)]
            rises: Iterable[float] = [self._first_rise(*pair) for pair in zip(kept, values, strict=True)]
        elif _are_decimals(choice, values):
            rises = rises_of_decimals(before, values)
        else:
            rises = map(rise, before, values)
        self._new_columns[choice] = values
        return rises

    def _name_all(self) -> None:
        """Note the last values by their series: these may be another choice's from now on."""
        for choice, values in self._new_columns.items():
            self._new.update(zip([kept.series.text for kept in choice.group.kept], values, strict=False))
        self._new_columns = {}

    def _first_rise(self, kept: KeptSeries, value: float) -> float:
        text = kept.series.text
        before = self._new.get(text, self._last.get(text))
        if before is None:
            before = 0.0 if kept.is_ledger else self._stored_last(kept)
        return rise(before, value)


def _rounded(observed: Observed) -> array[float]:
    """The values with as many decimal places as their meter can know."""
    values = observed.values[:]
    for start, end, decimals in observed.choice.decimals:
        if decimals is not None:
            values[start:end] = array("d", _with_decimals(values[start:end], decimals))
    return values


def _with_decimals(values: array[float], decimals: int) -> list[float]:
    if max(map(abs, values)) >= _MOST_EXACT:
        return [round(value, decimals) for value in values]
    scale = 10.0**decimals
    return [round(value * scale) / scale for value in values]


def _are_decimals(choice: Choice, values: array[float]) -> bool:
    """Whether all counters have few decimal places, as their values do."""
    runs = [run for run in choice.decimals if run.start < len(values)]
    return all(run.decimals is not None and run.decimals <= _MOST_DECIMALS for run in runs) and (
        max(values, default=0.0) < _MOST_EXACT
    )

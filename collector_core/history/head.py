"""What is in the journal alone, in memory: tables of series that are read together, a row for each time."""

from __future__ import annotations

import threading
from array import array
from typing import NamedTuple

from collector_core.history.points import Points


class Table(NamedTuple):
    """Readings of the series with these numbers, the first `counters` of which are counters.

    `values` has a row of all of them for each of `times`, which rise; `rises` one of the counters.
    """

    numbers: tuple[int, ...]
    counters: int
    times: array[int]
    values: array[float]
    rises: array[float]

    def points(self, place: int) -> Points:
        """The readings of one series."""
        rises = self.rises[place :: self.counters] if place < self.counters else array("d")
        return Points(self.times[:], self.values[place :: len(self.numbers)], rises)

    def extend(self, later: Table) -> None:
        """Take later rows of the same series."""
        self.times.extend(later.times)
        self.values.extend(later.values)
        self.rises.extend(later.rises)


class Head:
    """Readings by series, each time once: the first one stays. May be asked on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: list[tuple[Table, dict[int, int]]] = []
        self._latest: dict[tuple[int, ...], Table] = {}
        self.waiting = 0

    def add(self, table: Table) -> None:
        """Take readings."""
        with self._lock:
            self.waiting += len(table.values)
            known = self._latest.get(table.numbers)
            if known and known.times[-1] < table.times[0]:
                known.extend(table)
                return
            own = table._replace(times=table.times[:], values=table.values[:], rises=table.rises[:])
            self._latest[table.numbers] = own
            self._tables.append((own, {number: place for place, number in enumerate(table.numbers)}))

    def points(self, number: int) -> Points:
        """The readings of a series."""
        found = Points()
        with self._lock:
            for table, places in self._tables:
                place = places.get(number)
                if place is not None:
                    found = found.merged(table.points(place))
        return found

    def numbers(self) -> set[int]:
        """The series of which there are readings."""
        with self._lock:
            return {number for _, places in self._tables for number in places}

    def last_time(self) -> int:
        """The time of the last reading; 0 where there is none."""
        with self._lock:
            return max((table.times[-1] for table, _ in self._tables), default=0)

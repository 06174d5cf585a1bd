"""A history with what a test says was recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from collector_core.history import points
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import Event
from collector_core.history.points import Point
from collector_core.history.rises import rise
from collector_core.history.shared import SharedReader
from collector_core.history.store import SETTLING, Store
from collector_core.history.stored import StoredHistory
from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.series import Series

STEPS = (60_000, 900_000, 3_600_000)  # milliseconds, as by default
READINGS_PER_GAP = 3


class RecordedHistory(StoredHistory):
    """What plugins ask as `ctx.history`, from a store of its own in `folder`: record first, then ask; close it."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder, STEPS)
        self._store.open()
        is_open = threading.Event()
        is_open.set()
        super().__init__(lambda: SharedReader(self._store), is_open)

    def record(
        self, metric: Metric, readings: Iterable[tuple[float, float]], *, source: str = "", **labels: str
    ) -> Series:
        """Record a series: pairs of Unix seconds and value in the order of time; published by `source`."""
        source = source or metric.name.partition("_")[0]
        about = (metric.kind, metric.unit, metric.help, source, metric.topic, metric.of, metric.title)
        series = Series(metric.name + label_text(labels), metric.name, labels, *about)
        pairs = [(round(time * 1000), value) for time, value in readings]
        kept = KeptSeries(series, source, _gap([time for time, _ in pairs]))
        before = [None, *(value for _, value in pairs)]
        found = [Point(*pair, rise(last, pair[1])) for last, pair in zip(before, pairs, strict=False)]
        self._store.put(kept, points.of(found, is_counter=kept.is_counter))
        self._store.seal(self._store.last_time() + SETTLING)
        return series

    def record_event(self, time: float, kind: str, source: str, text: str) -> None:
        """Record that something happened."""
        self._store.append([], [Event(round(time * 1000), kind, source, text)])

    def close(self) -> None:
        """Close the store; what is asked afterwards finds what was recorded."""
        self._store.close()


def _gap(times: Sequence[int]) -> int:
    """Readings further apart than this say nothing of the time between."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    return round(READINGS_PER_GAP * median(steps)) if steps else STEPS[0]

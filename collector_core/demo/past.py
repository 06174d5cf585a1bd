"""Yesterday and today before the demo began, for its history: plugins compute what they would have published."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from itertools import accumulate

from collector_core.errors import CollectorError
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistorySample, HistoryStore
from collector_core.history.options import HistoryOptions
from collector_core.history.stores import command_store
from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.series import Series

log = logging.getLogger(__name__)

GROUP = "collector_core.demo_past"
STEP = 900
DECIMALS = 4
GAP = 3 * STEP * 1000  # milliseconds

PastOf = Callable[[Sequence[int]], Iterable[tuple[Metric, Mapping[str, str], Sequence[float]]]]
"""From times (seconds since 1970, 15 minutes apart) to series: a value for each time, of counters the rise to it."""


def keep_past() -> None:
    """Fill the demo's history up to now from where it ends, at most since yesterday; a disk may refuse."""
    store = command_store(HistoryOptions().of_demo)
    try:
        store.open()
        fill(store, round(time.time()), {point.name: point.load() for point in entry_points(group=GROUP)})
    except (CollectorError, OSError) as error:
        log.info("the demo begins without a past: %s", error)
    finally:
        store.close()


def fill(store: HistoryStore, now: int, pasts: Mapping[str, PastOf]) -> None:
    """Keep what is missing of yesterday and today before `now` (seconds since 1970), of each plugin by its name."""
    last = _last_time(store)
    times = [when for when in range(_yesterday(now), now - STEP, STEP) if when > last]
    if len(times) < 2:
        return
    for plugin, past in pasts.items():
        for metric, labels, values in past(times):
            _keep(store, KeptSeries(_series(plugin, metric, labels), plugin, GAP), times, values)
    store.seal(now * 1000)


def _yesterday(now: int) -> int:
    """When yesterday began, here."""
    local = time.localtime(now)
    return round(time.mktime((local.tm_year, local.tm_mon, local.tm_mday - 1, 0, 0, 0, 0, 0, -1)))


def _last_time(store: HistoryStore) -> float:
    """When the ledger was last written down, in seconds; minus infinity where it never was."""
    ledger = (number for number, kept in store.catalogue if kept.is_ledger)
    return max((last.time / 1000 for number in ledger if (last := store.last(number))), default=float("-inf"))


def _series(plugin: str, metric: Metric, labels: Mapping[str, str]) -> Series:
    labels = dict(sorted({**labels, "demo": "true"}.items()))
    about = (metric.kind, metric.unit, metric.help, plugin, metric.topic, metric.of, metric.title)
    return Series(metric.name + label_text(labels), metric.name, labels, *about)


def _keep(store: HistoryStore, kept: KeptSeries, times: Sequence[int], values: Sequence[float]) -> None:
    values = [round(value, DECIMALS) for value in values]
    shown = accumulate(values) if kept.is_counter else values
    rises = values if kept.is_counter else [0.0] * len(values)
    readings = zip(times, shown, rises, strict=True)
    store.append([HistorySample(kept, when * 1000, value, rise) for when, value, rise in readings])

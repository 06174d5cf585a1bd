"""A simulated rack: hundreds of series, a day of each at a time, with gaps and counters that begin anew."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from collector_core.history.catalogue import KeptSeries
from collector_core.history.points import Points
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.series import Series

STEP = 10_000  # milliseconds between two readings
DAY = 24 * HOUR
PER_DAY = DAY // STEP
START = 1_780_000_000_000 // DAY * DAY
KINDS = ("watts", "joules", "celsius", "ratio", "blocks")
GAP = 35_000  # milliseconds between two readings that say nothing of the time between

_POOL = 1 << 17  # numbers at random, of which every day of every series takes some
_GROUP = 25  # series that are read together, and are missing together
_MISSING = 0.05  # days of a group with a gap
_RESETS = 0.02  # days of a counter on which it begins anew


class Rack:
    """The series with what was read of each; `joules` is by how much each counter has risen, in thousandths."""

    def __init__(self, count: int) -> None:
        self.series = [_series(number) for number in range(count)]
        self.joules = [0] * count
        self._totals: dict[int, int] = {}
        self._chance = Random(1)
        self._noise = [self._chance.gauss(0, 1) for _ in range(_POOL + PER_DAY)]
        self._waves = [math.sin(tick / 500) for tick in range(2 * PER_DAY)]

    def day(self, number: int, day: int) -> Points:
        """A day of a series; to be asked for in the order of days."""
        offset, phase = self._chance.randrange(_POOL), 37 * number % PER_DAY
        noise, waves = self._noise[offset : offset + PER_DAY], self._waves[phase : phase + PER_DAY]
        gap = _gap(number // _GROUP, day)
        kind = KINDS[number % len(KINDS)]
        times = array("q", range(START + day * DAY, START + (day + 1) * DAY, STEP))
        del times[gap]
        if kind == "joules":
            totals = self._count(number, waves, noise)
            del totals[gap]
            rises = self._rises(number, totals)
            return Points(times, *(array("d", [each / 1000 for each in column]) for column in (totals, rises)))
        values = array("d", _gauge(kind, waves, noise, day))
        del values[gap]
        return Points(times, values)

    def _count(self, number: int, waves: Sequence[float], noise: Sequence[float]) -> list[int]:
        rises = [round(1e6 + 2e5 * wave + 1e4 * each) for wave, each in zip(waves, noise, strict=True)]
        totals = list(accumulate(rises, initial=self._totals.get(number, 0)))[1:]
        if self._chance.random() < _RESETS:
            first = self._chance.randrange(1, PER_DAY)
            totals[first:] = accumulate(rises[first:])
        return totals

    def _rises(self, number: int, totals: Sequence[int]) -> list[int]:
        before = [self._totals.get(number, totals[0]), *totals[:-1]]
        rises = [after - each if after >= each else after for each, after in zip(before, totals, strict=True)]
        self._totals[number] = totals[-1]
        self.joules[number] += sum(rises)
        return rises


def _gauge(kind: str, waves: Sequence[float], noise: Sequence[float], day: int) -> list[float]:
    both = zip(waves, noise, strict=True)
    if kind == "watts":
        return [round(100 + 20 * wave + 1.5 * each, 1) for wave, each in both]
    if kind == "celsius":
        return [float(round(50 + 5 * wave + 0.2 * each)) for wave, each in both]
    if kind == "ratio":
        return [round(0.5 + 0.2 * wave + 0.02 * each, 4) for wave, each in both]
    return [float((day * PER_DAY + tick) // 700) for tick in range(PER_DAY)]


def _gap(group: int, day: int) -> slice:
    """Which ticks of a day are missing in a group."""
    chance = Random(1000 * group + day)
    first = chance.randrange(1, PER_DAY)
    return slice(first, first + (chance.randrange(1, 500) if chance.random() < _MISSING else 0))


def _series(number: int) -> KeptSeries:
    """Counters are those of a ledger, so that there are devices whose energy can be asked for."""
    kind = KINDS[number % len(KINDS)]
    if kind == "joules":
        labels = {"component": "host", "device": f"d{number}", "method": "measured"}
        name, about = "energy_joules_total", ("energy", "host")
    else:
        name, labels, about = kind, {"i": str(number)}, ("", "")
    of_kind = "counter" if kind == "joules" else "gauge"
    series = Series(name + label_text(labels), name, labels, of_kind, kind, "", "energy", *about)
    return KeptSeries(series, "energy", GAP)

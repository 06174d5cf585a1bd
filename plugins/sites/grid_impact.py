"""`analytics/grid-impact`: what the sites of a region mean to its grid."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from statistics import StatisticsError, correlation, median
from typing import Any, NamedTuple

from collector_core import Field
from collector_core.metering import JOULES_PER_KWH
from collector_plugins.sites.fields import Text, rfc3339
from collector_plugins.sites.periods import PeriodQuery
from collector_plugins.sites.rollup import Measured, measure
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import Store

CURTAILED_BELOW = 0.5  # of a meter's median power
RAMP_PERCENTILE = 0.95
EXACT = 6  # places of a sum: it must not seem to move where it does not
DEFINITIONS = {
    "share_of_load": "mean power of the region's sites / mean of grid.load_watts, at the moments that have one; "
    "the power of a reading holds over its interval",
    "correlation": "Pearson, over the moments of readings, of the sites' power with what they say of the grid",
    "ramps": "95th percentile of the absolute change of a meter's power between two readings, per minute",
    "coincident_peak_watts": "the sites' power at the moment of the highest grid.load_watts",
    "curtailment": "time in which a meter drew less than half of its median power, and the energy that it drew less",
}


class GridQuery(PeriodQuery):
    """The parameters of `analytics/grid-impact`."""

    region: Text = Field(description="The region.")


class _Moment(NamedTuple):
    """The power of all meters at a moment, and what those that were read then said of the grid."""

    power: float
    grid: dict[str, float]


class _Impact:
    """What the readings of some meters come to, one meter after the other: all at once may be millions."""

    def __init__(self) -> None:
        self.ramps = array("d")
        self.curtailed_seconds = 0.0
        self.curtailed_kwh = 0.0
        self._changes: dict[int, float] = {}  # of the power of all, after a moment
        self._grids: dict[int, dict[str, float]] = {}

    def add(self, meter: Sequence[Measured]) -> None:
        """Add what a meter said, in the order of time; its power holds for the interval, up to the next reading's."""
        reached = 0
        for each in meter:
            moment, power = each.row.time, each.power or 0.0
            begin = max(reached, moment - each.row.interval)
            self._changes[begin] = self._changes.get(begin, 0.0) + power
            self._changes[moment] = self._changes.get(moment, 0.0) - power
            reached = moment
            if each.extra:
                said = {key: float(value) for key, value in each.extra.items() if isinstance(value, int | float)}
                self._grids[moment] = {**said, **self._grids.get(moment, {})}
        self.ramps.extend(_ramps(meter))
        self._add_curtailment(meter)

    def summed(self) -> tuple[list[_Moment], float | None]:
        """The moments at which something was said of the grid, in the order of time, and the highest power."""
        found, total, peak = list[_Moment](), 0.0, None
        for moment, change in sorted(self._changes.items()):
            if moment in self._grids:
                found.append(_Moment(round(total, EXACT), self._grids[moment]))
            total += change
            peak = total if peak is None else max(peak, total)
        return found, peak

    def _add_curtailment(self, meter: Sequence[Measured]) -> None:
        usual = median(each.power or 0.0 for each in meter) if meter else 0.0
        for each in meter:
            power = each.power or 0.0
            if power < usual * CURTAILED_BELOW:
                self.curtailed_seconds += each.row.interval / 1000
                self.curtailed_kwh += (usual - power) * each.row.interval / 1000 / JOULES_PER_KWH


def grid_impact(service: SiteService, store: Store, sites: Sequence[Site], query: GridQuery) -> dict[str, Any]:
    """The answer, without the forecast."""
    start, end = query.period(service.now)
    impact = _Impact()
    for site in sites:
        for meter in store.rows(site.number, start, end):
            impact.add([each for each in measure(meter) if each.power is not None])
    moments, peak = impact.summed()
    loads = [(moment.power, moment.grid["load_watts"]) for moment in moments if "load_watts" in moment.grid]
    load = sum(load for _, load in loads)
    return {
        "region": query.region,
        "from": rfc3339(start),
        "to": rfc3339(end),
        "sites": len(sites),
        "share_of_load": sum(power for power, _ in loads) / load if load else None,
        "correlation": {
            name: _correlation(moments, key)
            for name, key in (("load", "load_watts"), ("price", "price_per_kwh"), ("frequency", "frequency_hz"))
        },
        "ramps": {"p95_watts_per_minute": _percentile(sorted(impact.ramps), RAMP_PERCENTILE)},
        "coincident_peak_watts": max(loads, key=lambda pair: pair[1])[0] if loads else None,
        "peak_watts": peak,
        "curtailment": {"seconds": impact.curtailed_seconds, "energy_kwh": impact.curtailed_kwh},
        "definitions": DEFINITIONS,
    }


def _correlation(moments: Iterable[_Moment], key: str) -> float | None:
    pairs = [(moment.power, moment.grid[key]) for moment in moments if key in moment.grid]
    powers, values = [power for power, _ in pairs], [value for _, value in pairs]
    if len(set(powers)) == 1 or len(set(values)) == 1:  # by rounding alone it may differ from its mean
        return None
    try:
        found = correlation(powers, values)
    except (StatisticsError, OverflowError):  # the differences are too small, or the values too large
        return None
    return max(-1.0, min(1.0, found)) if math.isfinite(found) else None


def _ramps(meter: Sequence[Measured]) -> Iterator[float]:
    for before, after in itertools.pairwise(meter):
        yield abs((after.power or 0.0) - (before.power or 0.0)) / ((after.row.time - before.row.time) / 60_000)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """By linear interpolation between the two nearest."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

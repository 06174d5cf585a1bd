"""How much CO2 a kilowatt hour of a source stands for, and who says so."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

from collector_core.metering import by_country
from collector_plugins.sites.site import Source, Terms
from collector_plugins.sites.source_names import usual_name

GRID = "grid"
TABLE = "factors.csv"
READING, CONFIGURED = "reading", "configured"
UNKNOWN = "unknown"
_STATED_UNCERTAINTY = 0.05  # of what a reading or the configuration says; it says nothing of its own
_YEARLY_UNCERTAINTY = 0.2  # of an hour, where the mean of a year is known


class Factor(NamedTuple):
    """Grams of CO2 equivalent per kWh, and their origin."""

    grams_per_kwh: float
    origin: str


class MixPart(NamedTuple):
    """A share of the energy, and what a kWh of it emits by location and on the market; None where nobody says."""

    source: str
    origin: str
    share: float
    location: float | None
    market: float | None


class _Median(NamedTuple):
    low: float
    median: float
    high: float
    origin: str


class Factors:
    """Finds factors: what is configured, then the zone's of the hour, the country's mean, the median of studies."""

    def __init__(self, country: str | None = None) -> None:
        self._country = country
        self._medians = _read_table()
        self._known: dict[str, Factor | None] = {}

    def mix(
        self, terms: Terms, shares: Mapping[str, float] | None, grid_grams: float | None, live: Factor | None = None
    ) -> list[MixPart]:
        """The sources of a reading: its own `shares` or those of the site, and its own factor of the grid.

        `live` is what is known of the grid of its zone in its hour.
        """
        configured = {usual_name(source.type): source for source in terms.sources}
        configured |= {source.type: source for source in terms.sources}
        grid = self._grid(terms, configured.get(GRID), grid_grams, live)
        if shares is not None:
            return [
                self._part(name, configured.get(name) or configured.get(usual_name(name)), share, grid, on_paper=False)
                for name, share in shares.items()
            ]
        sources = terms.sources or [Source(type=GRID, share=1.0)]
        return [self._part(each.type, each, each.share, grid, on_paper=bool(each.certificate)) for each in sources]

    def uncertainty(self, source: str, origin: str) -> float:
        """Half of the range of the factor, as a share of it; at most 1."""
        median = self._medians.get(usual_name(source))
        if median is not None and median.origin == origin:
            return min(1.0, (median.high - median.low) / 2 / median.median)
        return _YEARLY_UNCERTAINTY if self.is_yearly(origin) else _STATED_UNCERTAINTY

    def is_yearly(self, origin: str) -> bool:
        """Whether an origin, `SOURCE_ZONE`, is that of the mean of a year, which is known without anybody telling."""
        source, _, zone = origin.rpartition("_")
        found = self._of_country(zone)
        return found is not None and found.origin.rpartition("_")[0] == source

    def _part(self, name: str, source: Source | None, share: float, grid: Factor | None, *, on_paper: bool) -> MixPart:
        own = grid if usual_name(name) == GRID else self._own(name, source)
        location = grid if on_paper else own
        return MixPart(
            name,
            own.origin if own else UNKNOWN,
            share,
            location.grams_per_kwh if location else None,
            own.grams_per_kwh if own else None,
        )

    def _own(self, name: str, source: Source | None) -> Factor | None:
        if source is not None and source.factor_g_per_kwh is not None:
            return Factor(source.factor_g_per_kwh, CONFIGURED)
        median = self._medians.get(usual_name(name))
        return Factor(median.median, median.origin) if median else None

    def _grid(self, terms: Terms, source: Source | None, grams: float | None, live: Factor | None) -> Factor | None:
        if grams is not None:
            return Factor(grams, READING)
        if source is not None and source.factor_g_per_kwh is not None:
            return Factor(source.factor_g_per_kwh, CONFIGURED)
        if live is not None:
            return live
        for code in ((terms.zone or "").partition("-")[0], self._country or ""):
            if code and (found := self._of_country(code)) is not None:
                return found
        return None

    def _of_country(self, code: str) -> Factor | None:
        if code not in self._known:
            found = by_country(code)
            self._known[code] = Factor(found.grams_per_kwh, f"{found.source}_{found.zone}") if found else None
        return self._known[code]


def _read_table() -> dict[str, _Median]:
    text = resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        row["source"]: _Median(float(row["low"]), float(row["median"]), float(row["high"]), row["origin"])
        for row in rows
    }

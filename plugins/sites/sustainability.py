"""`analytics/sustainability`: a score of 0 to 100, with everything that it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector_plugins.sites.config import Config, Weights
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.periods import DAY, gaps, hourly, total_of
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import Mean, Piece, Store

PERIOD = 30 * DAY
PEAK_SHARE = 0.05  # of the hours, those in which the region needs most
FORMULA = (
    "score = 100 x sum of weight x part; renewable: share of the energy from renewable sources; intensity: "
    "1 - grams / (energy x PUE) / reference_g_per_kwh, at least 0; efficiency: best J/TH of all sites / own; "
    "flexibility: 1 - mean power in the 5 % of hours with the region's highest grid load "
    "(else price) / mean power of the period. "
    "A part that is not known is null, and its weight is spread over the others."
)


@dataclass(frozen=True)
class Past:
    """What sites did in a period, by site and hour."""

    start: int
    end: int
    hours: Mapping[str, Mapping[int, Piece]]

    def total(self, site: Site) -> Piece:
        """All hours of a site."""
        return total_of(self.hours[site.id].values())


def look_back(service: SiteService, store: Store, start: int, end: int) -> Past:
    """What all sites did in a period."""
    sites = list(service.sites.values())
    hours: dict[str, dict[int, Piece]] = {site.id: {} for site in sites}
    for site, hour, piece in hourly(service, store, sites, start, end):
        hours[site.id][hour] = piece
    return Past(start, end, hours)


class Scores:
    """Scores of entities over one period; what they share is computed once."""

    def __init__(self, service: SiteService, config: Config, past: Past) -> None:
        self._now = service.now
        self._sites = list(service.sites.values())
        self._config = config
        self._past = past
        self._totals = {site.id: past.total(site) for site in self._sites}
        efficiencies = (piece.joules_per_terahash for piece in self._totals.values())
        self._best = min((each for each in efficiencies if each), default=None)
        self._peaks: dict[str, frozenset[int]] = {}

    def describe(self, entity: str, sites: Sequence[Site]) -> dict[str, Any]:
        """The answer for an entity."""
        total = total_of(self._totals[site.id] for site in sites)
        parts = {
            "renewable": self._renewable(total),
            "intensity": self._intensity(total),
            "efficiency": self._efficiency(sites),
            "flexibility": self._flexibility(sites),
        }
        weights = _used(self._config.weights, parts)
        score = 100 * sum(weights[name] * value for name, value in parts.items() if value is not None)
        return {
            "entity": entity,
            "from": rfc3339(self._past.start),
            "to": rfc3339(self._past.end),
            "score": score if weights else None,
            "parts": parts,
            "weights": weights,
            "reference_g_per_kwh": self._config.reference_g_per_kwh,
            "coverage_ratio": self._coverage(sites),
            "formula": FORMULA,
        }

    def _renewable(self, total: Piece) -> float | None:
        if not total.kwh:
            return None
        kwh = sum(part.kwh for (source, _), part in total.parts.items() if source in self._config.renewables)
        return min(1.0, kwh / total.kwh)

    def _intensity(self, total: Piece) -> float | None:
        known = [part for part in total.parts.values() if part.location_grams is not None]
        kwh = sum(part.facility_kwh for part in known)
        if not kwh:
            return None
        grams = sum(part.location_grams or 0.0 for part in known)
        return max(0.0, 1 - grams / kwh / self._config.reference_g_per_kwh)

    def _efficiency(self, sites: Iterable[Site]) -> float | None:
        watts, hashrate = 0.0, 0.0
        for site in sites:
            total = self._totals[site.id]
            efficiency, own = total.joules_per_terahash, total.mean_hashrate
            if efficiency is not None and own:
                watts, hashrate = watts + efficiency * own, hashrate + own
        return min(1.0, self._best * hashrate / watts) if self._best and watts else None

    def _flexibility(self, sites: Iterable[Site]) -> float | None:
        in_peaks, usual = 0.0, 0.0
        for site in sites:
            hours, peaks = self._past.hours[site.id], self._peak_hours(site)
            then = total_of(piece for hour, piece in hours.items() if hour in peaks).mean_power
            mean = self._totals[site.id].mean_power
            if then is not None and mean is not None:
                in_peaks, usual = in_peaks + then, usual + mean
        return min(1.0, max(0.0, 1 - in_peaks / usual)) if usual else None

    def _peak_hours(self, site: Site) -> frozenset[int]:
        """The hours in which the site's region needed most, by what its sites said of the grid."""
        region = site.terms_at(self._now).region
        name = site.id if region is None else f"region {region}"
        if name not in self._peaks:
            inside = [site] if region is None else [s for s in self._sites if s.terms_at(self._now).region == region]
            pieces = [(hour, piece) for each in inside for hour, piece in self._past.hours[each.id].items()]
            loads = _means((hour, piece.grid_load) for hour, piece in pieces)
            self._peaks[name] = _highest(loads or _means((hour, piece.grid_price) for hour, piece in pieces))
        return self._peaks[name]

    def _coverage(self, sites: Sequence[Site]) -> float:
        length = self._past.end - self._past.start
        missing = (gaps(self._totals[site.id].spans, self._past.start, self._past.end) for site in sites)
        return 1 - sum(end - start for spans in missing for start, end in spans) / length / len(sites)


def _used(weights: Weights, parts: Mapping[str, float | None]) -> dict[str, float]:
    """The weights of what is known, which add up to 1; none where nothing is known."""
    known = {name: float(getattr(weights, name)) for name, value in parts.items() if value is not None}
    total = sum(known.values())
    return {name: weight / total for name, weight in known.items()} if total else {}


def _means(values: Iterable[tuple[int, Mean]]) -> dict[int, float]:
    sums: dict[int, Mean] = {}
    for hour, mean in values:
        sums.setdefault(hour, Mean()).add(mean.total, mean.count)
    return {hour: mean.value for hour, mean in sums.items() if mean.value is not None}


def _highest(values: Mapping[int, float]) -> frozenset[int]:
    if not values or min(values.values()) == max(values.values()):
        return frozenset()
    count = max(1, round(len(values) * PEAK_SHARE))
    return frozenset(sorted(values, key=lambda hour: (-values[hour], hour))[:count])

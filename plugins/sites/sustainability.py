"""`analytics/sustainability`: a score of 0 to 100, with everything that it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from collector_plugins.sites.config import Config, Weights
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.periods import DAY, coverage, hourly, site_totals, total_of, uncovered
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Mean, Piece, Store

PERIOD = 30 * DAY
PEAK_SHARE = 0.05  # of the hours, those in which the region needs most
FORMULA = (
    "score = 100 x sum of weight x part; renewable: share of the energy from renewable sources; intensity: "
    "1 - grams / (energy x PUE) / reference_g_per_kwh, at least 0; efficiency: best J/TH of all sites / own; "
    "flexibility: 1 - mean power in the 5 % of hours with the region's highest grid load "
    "(else price) / mean power of the period. "
    "A part that is not known is null, and its weight is spread over the others."
)


class Scores:
    """Scores of entities over one period; what they share is computed once.

    `flexible` are the sites whose flexibility is asked for. For the thread of the store.
    """

    def __init__(
        self, service: SiteService, config: Config, store: Store, period: tuple[int, int], flexible: Iterable[Site]
    ) -> None:
        self._service = service
        self._config = config
        self._store = store
        self._start, self._end = period
        self._sites = list(service.sites.values())
        self._totals = site_totals(service, store, self._sites, *period, by_source=True)
        efficiencies = (piece.joules_per_terahash for piece in self._totals.values())
        self._best = min((each for each in efficiencies if each), default=None)
        self._in_peaks: dict[str, Piece] = {}
        for inside in self._regions(flexible):
            self._in_peaks |= self._power_in_peaks(inside)

    def describe(self, entity: str, sites: Sequence[Site]) -> dict[str, Any]:
        """The answer for an entity."""
        total = total_of(self._totals[site.id] for site in sites)
        parts = {
            "renewable": total.share_of(self._config.renewables),
            "intensity": self._intensity(total),
            "efficiency": self._efficiency(sites),
            "flexibility": self._flexibility(sites),
        }
        weights = _used(self._config.weights, parts)
        score = 100 * sum(weights[name] * value for name, value in parts.items() if value is not None)
        return {
            "entity": entity,
            "from": rfc3339(self._start),
            "to": rfc3339(self._end),
            "score": score if weights else None,
            "parts": parts,
            "weights": weights,
            "reference_g_per_kwh": self._config.reference_g_per_kwh,
            "formula": FORMULA,
        }

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
            then = self._in_peaks[site.id].mean_power if site.id in self._in_peaks else None
            mean = self._totals[site.id].mean_power
            if then is not None and mean is not None:
                in_peaks, usual = in_peaks + then, usual + mean
        return min(1.0, max(0.0, 1 - in_peaks / usual)) if usual else None

    def _regions(self, sites: Iterable[Site]) -> list[list[Site]]:
        """The regions of sites, each with all of its sites; a site without one is a region of its own."""
        now = self._service.now
        names = {site.id: site.terms_at(now).region for site in self._sites}
        wanted = {names[site.id] for site in sites} - {None}
        alone = [[site] for site in sites if names[site.id] is None]
        return alone + [[site for site in self._sites if names[site.id] == name] for name in wanted]

    def _power_in_peaks(self, inside: Sequence[Site]) -> dict[str, Piece]:
        """What each site of a region did in the hours in which the region needed most, by what its sites said."""
        loads: dict[int, Mean] = {}
        prices: dict[int, Mean] = {}
        telling = [site for site in inside if _tells(self._totals[site.id])]
        for hour, _, piece in self._hours(telling, range(self._start, self._end, DAY), DAY):
            for means, said in ((loads, piece.grid_load), (prices, piece.grid_price)):
                if said.count:
                    means.setdefault(hour, Mean()).add(said.total, said.count)
        found = {site.id: Piece() for site in inside}
        for _, site, piece in self._hours(inside, (hour * HOUR for hour in _highest(loads or prices)), HOUR):
            found[site.id].add(piece)
        return found

    def _hours(self, sites: Sequence[Site], begins: Iterable[int], length: int) -> Iterator[tuple[int, Site, Piece]]:
        """The hours of some parts of the period, which are read one after another: all at once may be millions."""
        for begin in begins if sites else ():
            part = max(self._start, begin), min(self._end, begin + length)
            for site, hour, piece in hourly(self._service, self._store, sites, *part):
                yield hour, site, piece

    def coverage(self, sites: Sequence[Site]) -> float | None:
        """How much of the period, as far as it has come, readings of sites cover, 0 to 1; None before it begins."""
        period, now = (self._start, self._end), self._service.now
        missing = []
        for site in sites:
            spans = total_of(piece for _, _, piece in hourly(self._service, self._store, [site], *period)).spans
            missing.append(uncovered(self._store, site, spans, period, now))
        return coverage(missing, period, now)

    def renewable_ratio(self, site: Site) -> float | None:
        """The share of a site's energy that is renewable; None without energy."""
        return self._totals[site.id].share_of(self._config.renewables)


def _tells(total: Piece) -> bool:
    return total.grid_load.count + total.grid_price.count > 0


def _used(weights: Weights, parts: Mapping[str, float | None]) -> dict[str, float]:
    """The weights of what is known, which add up to 1; none where nothing is known."""
    known = {name: float(getattr(weights, name)) for name, value in parts.items() if value is not None}
    total = sum(known.values())
    return {name: weight / total for name, weight in known.items()} if total else {}


def _highest(means: Mapping[int, Mean]) -> frozenset[int]:
    values = {hour: mean.value for hour, mean in means.items() if mean.value is not None}
    if not values or min(values.values()) == max(values.values()):
        return frozenset()
    count = max(1, round(len(values) * PEAK_SHARE))
    return frozenset(sorted(values, key=lambda hour: (-values[hour], hour))[:count])

"""`metrics/site` and `metrics/aggregate`: what sites did in a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.periods import SteppedQuery, hourly_means, in_steps, site_totals, total_of, uncovered
from collector_plugins.sites.rollup import measure
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Piece, SiteMeans, Store, add_known, sum_known

HOURS_A_DAY = 24
FRESH = 600_000  # milliseconds: older readings say nothing about now
FORMULAS = {
    "energy_kwh": "sum over meters of the total - the total before it in time; without totals of power x interval",
    "cost": "energy x PUE x price",
    "carbon_grams": "sum over readings of energy x PUE x share x factor, location-based: GET analytics/carbon has both",
    "hashrate_th": "mean over the time in which it was read",
    "efficiency_j_per_th": "energy / covered seconds / hash rate",
    "profit_per_hour": "hash rate x hash price / 24 - cost / covered hours",
}
SITE_FORMULAS = FORMULAS | {"load_factor": "mean power over the covered time / highest power"}
_SERIES = {"power_watts": "power_watts_mean", "energy_kwh": "energy_kwh", "hashrate_th": "network_hashrate_th"}
GROUPS = Literal["region", "operator", "source"]


class AggregateQuery(SteppedQuery):
    """The parameters of `metrics/aggregate`."""

    group_by: GROUPS = "region"

    @property
    def wants_series(self) -> bool:
        """Whether it says in which steps."""
        return "step" in self.model_fields_set


@dataclass(frozen=True)
class Money:
    """The currency of all prices, and what a TH/s earns in a day at sites that say nothing else."""

    currency: str
    hash_price: float | None = None

    def profit_per_hour(self, site: Site, total: Piece, end: int) -> float | None:
        """What the hash rate earns, by the price that holds at the end, less the cost of an hour; None if unknown."""
        own = site.terms_at(end - 1).hash_price
        price = self.hash_price if own is None else own
        hashrate = total.mean_hashrate
        if price is None or hashrate is None or total.cost is None or not total.covered_seconds:
            return None
        return price * hashrate / HOURS_A_DAY - total.cost / (total.covered_seconds / 3600)


def site_metrics(service: SiteService, store: Store, site: Site, query: SteppedQuery, money: Money) -> dict[str, Any]:
    """The answer of `metrics/site/{id}`."""
    start, end, step = query.steps(service.now)
    pieces = in_steps(service, store, site, (start, end, step))
    total = total_of(pieces.values())
    mean, peak = total.mean_power, total.peak
    missing = uncovered(store, site, total.spans, (start, end), service.now)
    return {
        "site_id": site.id,
        "from": rfc3339(start),
        "to": rfc3339(end),
        "step_seconds": step / 1000,
        "readings": total.readings,
        "energy_kwh": total.kwh,
        "cost": total.cost,
        "profit_per_hour": money.profit_per_hour(site, total, end),
        "currency": money.currency,
        "carbon_grams": total.location_grams,
        "power_watts": {"now": power_now(store, site, service.now), "mean": mean, "peak": peak},
        "hashrate_th": total.mean_hashrate,
        "efficiency_j_per_th": total.joules_per_terahash,
        "load_factor": mean / peak if mean is not None and peak else None,
        "gaps": [{"from": rfc3339(a), "to": rfc3339(b), "seconds": (b - a) / 1000} for a, b in missing],
        "series": {
            "power_watts": points(pieces, lambda piece: piece.mean_power),
            "energy_kwh": points(pieces, lambda piece: piece.kwh),
            "hashrate_th": points(pieces, lambda piece: piece.mean_hashrate),
        },
        "formulas": SITE_FORMULAS,
    }


def points(pieces: dict[int, Piece], value: Callable[[Piece], float | None]) -> list[dict[str, Any]]:
    """A series; no point where the value is not known."""
    found = ((moment, value(piece)) for moment, piece in pieces.items())
    return [{"t": rfc3339(moment), "value": each} for moment, each in found if each is not None]


def power_now(store: Store, site: Site, now: int) -> float | None:
    """The power that the meters said last, in the last ten minutes; None where none did."""
    power: float | None = None
    for meter in store.rows(site.number, now - FRESH, now + FRESH):
        said = [each.power for each in measure(meter) if each.power is not None]
        power = add_known(power, said[-1] if said else None)
    return power


def aggregate(service: SiteService, store: Store, query: AggregateQuery, money: Money) -> dict[str, Any]:
    """The answer of `metrics/aggregate`; series are there where the query says in which steps."""
    start, end, step = query.steps(service.now)
    grouping = _Grouping(service, store, query.group_by, money)
    groups, total = grouping.sums(start, end)
    if query.wants_series:
        for each in (total, *groups.values()):
            each["series"] = {key: [] for key in _SERIES}
        for begin, parts, whole in grouping.steps(start, end, step):
            _add_points(total, begin, whole)
            for name in groups.keys() & parts.keys():  # readings of another source may come meanwhile
                _add_points(groups[name], begin, parts[name])
    return {
        "from": rfc3339(start),
        "to": rfc3339(end),
        "group_by": query.group_by,
        "groups": [{query.group_by: name, **sums} for name, sums in groups.items()],
        "total": total,
        "formulas": FORMULAS,
    }


Sums = dict[str, Any]
Groups = dict[str | None, Sums]


class _Grouping:
    """The sites of one moment in groups, whatever is registered while an answer is made."""

    def __init__(self, service: SiteService, store: Store, group_by: str, money: Money) -> None:
        self._service = service
        self._store = store
        self._group_by = group_by
        self._money = money
        self._now = service.now
        self._sites = list(service.sites.values())

    def sums(self, start: int, end: int) -> tuple[Groups, Sums]:
        """The sums of each group, by its name, and of all sites."""
        by_source = self._group_by == "source"
        totals = site_totals(self._service, self._store, self._sites, start, end, by_source=by_source)
        shown = [
            (site, totals[site.id], self._money.profit_per_hour(site, totals[site.id], end)) for site in self._sites
        ]
        groups = _by_source(shown, self._now) if by_source else _by_term(shown, self._group_by, self._now)
        total = _sums([(total, profit) for _, total, profit in shown], self._money.currency)
        return {name: _sums(members, self._money.currency) for name, members in groups}, total

    def steps(self, start: int, end: int, step: int) -> Iterator[tuple[int, Groups, Sums]]:
        """When each step begins, and the sums of it; of whole hours those that series are made of."""
        if step == HOUR and not start % HOUR and self._group_by != "source":
            yield from self._hours(start // HOUR, end // HOUR)
            start = end // HOUR * HOUR
        for begin in range(start, end, step):
            yield begin, *self.sums(begin, min(begin + step, end))

    def _hours(self, start: int, end: int) -> Iterator[tuple[int, Groups, Sums]]:
        """The same of the hours from `start` to before `end`, a day at a time, so that little is in memory."""
        names = {site.number: getattr(site.terms_at(self._now), self._group_by) for site in self._sites}
        for first in range(start, end, HOURS_A_DAY):
            hours: dict[int, tuple[Groups, Sums]] = {}
            last = min(first + HOURS_A_DAY, end)
            for means in hourly_means(self._service, self._store, self._sites, first, last):
                groups, total = hours.setdefault(means.hour, (defaultdict(_nothing), _nothing()))
                _add_site(groups[names[means.site]], means)
                _add_site(total, means)
            yield from ((hour * HOUR, *hours[hour]) for hour in sorted(hours))


def _nothing() -> dict[str, Any]:
    return {"sites_reporting": 0, "energy_kwh": 0.0, "power_watts_mean": None, "network_hashrate_th": None}


def _add_site(sums: dict[str, Any], means: SiteMeans) -> None:
    sums["sites_reporting"] += 1
    sums["energy_kwh"] += means.kwh
    sums["power_watts_mean"] = add_known(sums["power_watts_mean"], means.power)
    sums["network_hashrate_th"] = add_known(sums["network_hashrate_th"], means.hashrate)


def _add_points(sums: dict[str, Any], begin: int, step: Mapping[str, Any]) -> None:
    """Add to the series of some sums what they are in a step; nothing where nobody reported."""
    for key, figure in _SERIES.items():
        if step["sites_reporting"] and step[figure] is not None:
            sums["series"][key].append({"t": rfc3339(begin), "value": step[figure]})


Member = tuple[Piece, float | None]  # with its profit per hour
Members = list[tuple[str | None, list[Member]]]


def _by_term(shown: Iterable[tuple[Site, Piece, float | None]], group_by: str, now: int) -> Members:
    groups: dict[str | None, list[Member]] = {}
    for site, total, profit in shown:
        groups.setdefault(getattr(site.terms_at(now), group_by), []).append((total, profit))
    return sorted(groups.items(), key=lambda group: (group[0] is None, group[0] or ""))


def _by_source(shown: Iterable[tuple[Site, Piece, float | None]], now: int) -> Members:
    groups: dict[str | None, list[Member]] = {}
    for site, total, profit in shown:
        registered = {source.type for source in site.terms_at(now).sources} or {"grid"}
        for name in registered | {source for source, _ in total.parts}:
            part = _share(total, name)
            share = part.kwh / total.kwh if total.kwh else 0.0
            groups.setdefault(name, []).append((part, None if profit is None else profit * share))
    return sorted(groups.items(), key=lambda group: group[0] or "")


def _share(total: Piece, source: str) -> Piece:
    """The part of a site's sums that is of one source."""
    parts = {key: part for key, part in total.parts.items() if key[0] == source}
    kwh = sum(part.kwh for part in parts.values())
    share = kwh / total.kwh if total.kwh else 0.0
    return Piece(
        readings=total.readings if parts else 0,
        kwh=kwh,
        facility_kwh=sum(part.facility_kwh for part in parts.values()),
        cost=None if total.cost is None else total.cost * share,
        power_joules=total.power_joules * share,
        power_seconds=total.power_seconds,
        terahashes=total.terahashes * share,
        hash_seconds=total.hash_seconds,
        covered_seconds=total.covered_seconds,
        parts=parts,
    )


def _sums(members: list[Member], currency: str) -> dict[str, Any]:
    pieces = [piece for piece, _ in members]
    hashrate = sum_known(piece.mean_hashrate for piece in pieces)
    hashing_watts = 0.0
    for piece in pieces:
        if piece.mean_hashrate and (efficiency := piece.joules_per_terahash) is not None:
            hashing_watts += efficiency * piece.mean_hashrate
    return {
        "sites": len(pieces),
        "sites_reporting": sum(piece.readings > 0 for piece in pieces),
        "readings": sum(piece.readings for piece in pieces),
        "energy_kwh": sum(piece.kwh for piece in pieces),
        "cost": sum_known(piece.cost for piece in pieces),
        "profit_per_hour": sum_known(profit for _, profit in members),
        "currency": currency,
        "carbon_grams": sum_known(piece.location_grams for piece in pieces),
        "power_watts_mean": sum_known(piece.mean_power for piece in pieces),
        "network_hashrate_th": hashrate,
        "efficiency_j_per_th": hashing_watts / hashrate if hashrate else None,
    }

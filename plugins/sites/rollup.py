"""From readings to sums: energy, cost and emissions of each piece of a period, computed anew from what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from collector_core.metering import JOULES_PER_KWH
from collector_plugins.sites.factors import Factor, Factors, MixPart
from collector_plugins.sites.site import Site, Terms
from collector_plugins.sites.store import (
    HOUR,
    MeterRows,
    Part,
    Piece,
    Row,
    Store,
    add_known,
    covered_seconds,
    merged,
)

LONGEST_INTERVAL = 24  # hours
_NOTHING: Mapping[str, Any] = {}


class Measured(NamedTuple):
    """A reading with its energy (kWh) and its power (watts), both by the rules of meters; `extra` is decoded."""

    row: Row
    kwh: float
    power: float | None
    extra: Mapping[str, Any]


def measure(meter: MeterRows) -> Iterator[Measured]:
    """The energy of each reading of one meter, in time order.

    A total counts what it grew since the total before it in time; the first is a baseline, and one that fell began at
    0. Power counts over its interval where no two totals enclose it.
    """
    before = meter.before
    for row in meter.rows:
        extra = json.loads(row.extra) if row.extra else _NOTHING
        if row.total is None:
            enclosed = before is not None and meter.last_total_at is not None and row.time < meter.last_total_at
            kwh = 0.0 if enclosed else (row.power or 0.0) * row.interval / 1000 / JOULES_PER_KWH
            yield Measured(row, kwh, row.power, extra)
            continue
        kwh, power = 0.0, row.power
        if before is not None:
            kwh = row.total - before[1] if row.total >= before[1] else row.total
            if power is None:
                power = kwh * JOULES_PER_KWH / ((row.time - before[0]) / 1000)
        before = (row.time, row.total)
        yield Measured(row, kwh, power, extra)


def roll_up(
    store: Store, site: Site, factors: Factors, period: tuple[int, int], bin_of: Callable[[int], int]
) -> dict[int, Piece]:
    """What a site did in `(start, end]`, in pieces that `bin_of` tells from the time of a reading."""
    grids = grids_of(store, site.zones, period)
    return RollUp(site, factors, bin_of, grids).pieces(store.rows(site.number, *period))


def grids_of(store: Store, zones: Sequence[str], period: tuple[int, int]) -> dict[tuple[str, int], Factor]:
    """The factors that are known of zones, by zone and hour, for intervals that end in `(start, end]`."""
    start, end = period
    known = store.grid_hours(zones, start // HOUR - LONGEST_INTERVAL, end // HOUR) if zones else []
    return {(each.zone, each.hour): Factor(each.grams, each.origin) for each in known}


class RollUp:
    """Sums up what the meters of one site said, in pieces that `bin_of` tells from the time of a reading.

    `grids` are the factors that are known of zones and hours.
    """

    def __init__(
        self,
        site: Site,
        factors: Factors,
        bin_of: Callable[[int], int],
        grids: Mapping[tuple[str, int], Factor] = MappingProxyType({}),
    ) -> None:
        self._site = site
        self._factors = factors
        self._bin_of = bin_of
        self._grids = grids
        self._mixes: dict[tuple[Any, ...], list[MixPart]] = {}

    def pieces(self, meters: Iterable[MeterRows]) -> dict[int, Piece]:
        """The pieces in which there are readings."""
        measured = {meter.meter: list(measure(meter)) for meter in meters}
        grouped: dict[int, list[list[Measured]]] = {}
        for rows in measured.values():
            last_bin, group = -1, list[Measured]()
            for each in rows:
                number = self._bin_of(each.row.time)
                if number != last_bin or not group:
                    last_bin, group = number, []
                    grouped.setdefault(number, []).append(group)
                group.append(each)
        return {number: self._piece(groups) for number, groups in sorted(grouped.items())}

    def _piece(self, groups: list[list[Measured]]) -> Piece:
        piece = Piece()
        powered, hashing, spans = list[tuple[int, int]](), list[tuple[int, int]](), list[tuple[int, int]]()
        for each in (each for group in groups for each in group):
            row = each.row
            span = (row.time - row.interval, row.time)
            spans.append(span)
            self._count(piece, each)
            if each.power is not None:
                powered.append(span)
                piece.power_joules += each.power * row.interval / 1000
            if row.hashrate is not None:
                hashing.append(span)
                piece.terahashes += row.hashrate * row.interval / 1000
        piece.spans = merged(spans)
        piece.covered_seconds = covered_seconds(piece.spans)
        piece.power_seconds = covered_seconds(powered)
        piece.hash_seconds = covered_seconds(hashing)
        piece.peak = _peak(groups)
        return piece

    def _count(self, piece: Piece, each: Measured) -> None:
        moment = each.row.time
        begin = moment - each.row.interval
        terms = self._site.terms_at(begin)
        facility = each.kwh * terms.pue
        piece.readings += 1
        piece.first = min(piece.first or moment, moment)
        piece.last = max(piece.last, moment)
        piece.kwh += each.kwh
        piece.facility_kwh += facility
        price = each.extra.get("price_per_kwh", terms.price_per_kwh)
        if price is not None:
            piece.cost = add_known(piece.cost, facility * price)
        if each.extra:
            _count_grid(piece, each.extra)
        for source, origin, share, location, market in self._mix(terms, each, begin):
            part = piece.parts.setdefault((source, origin), Part())
            part.kwh += each.kwh * share
            part.facility_kwh += facility * share
            if location is not None:
                part.location_grams = (part.location_grams or 0.0) + facility * share * location
            if market is not None:
                part.market_grams = (part.market_grams or 0.0) + facility * share * market

    def _mix(self, terms: Terms, each: Measured, begin: int) -> list[MixPart]:
        shares, grams = each.extra.get("sources"), each.extra.get("carbon_g_per_kwh")
        live = self._grids.get((terms.zone, begin // HOUR)) if self._grids and terms.zone else None
        key = (id(terms), tuple(shares.items()) if shares else None, grams, live)
        if key not in self._mixes:
            self._mixes[key] = self._factors.mix(terms, shares, grams, live)
        return self._mixes[key]


def _count_grid(piece: Piece, extra: Mapping[str, Any]) -> None:
    if "load_watts" in extra:
        piece.grid_load.add(extra["load_watts"])
    if "price_per_kwh" in extra:
        piece.grid_price.add(extra["price_per_kwh"])


def _peak(groups: list[list[Measured]]) -> float | None:
    """The highest power of all meters together."""
    if len(groups) == 1:
        return max((each.power for each in groups[0] if each.power is not None), default=None)
    edges = []
    for each in (each for group in groups for each in group):
        if each.power is not None:
            edges.append((each.row.time - each.row.interval, 1, each.power))
            edges.append((each.row.time, 0, -each.power))
    total, peak = 0.0, None
    for _, _, change in sorted(edges):  # ends come before begins of the same moment
        total += change
        peak = total if peak is None or total > peak else peak
    return peak

"""Periods of requests, and what sites did in them: hourly sums where they serve, readings where they do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from collector_core import ApiError, Field, Query, parse_duration
from collector_plugins.sites.fields import QueryMoment
from collector_plugins.sites.plain_runs import roll_up_hours
from collector_plugins.sites.rollup import roll_up
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Piece, SiteMeans, Store, covered_seconds, merged

MAX_POINTS = 100_000
DAY = 24 * HOUR
LONGEST = 366 * 100 * DAY


def _milliseconds(value: object) -> int:
    found = parse_duration(value) * 1000
    if not 1000 <= found <= LONGEST:
        raise ValueError("must be a duration from 1s, such as 1h or 30d")
    return round(found)


QueryDuration = Annotated[
    int, BeforeValidator(_milliseconds), WithJsonSchema({"type": "string", "examples": ["15m", "1h", "30d"]})
]
"""A duration in a query string, such as `1h` or `30d`; milliseconds within."""


class PeriodQuery(Query):
    """`from` and `to` of a request; by default the last day."""

    start: QueryMoment | None = Field(None, alias="from")
    end: QueryMoment | None = Field(None, alias="to")

    def period(self, now: int, default: int = DAY) -> tuple[int, int]:
        """From and to; `default` is how long it is where only one of them, or none, is given. Raises `ApiError`."""
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ApiError(400, "must be after `from`", field="to")
        end = self.end if self.end is not None else now if self.start is None else max(now, self.start + 1)
        return self.start if self.start is not None else max(0, end - default), end


class SteppedQuery(PeriodQuery):
    """A period in steps, by default of an hour."""

    step: QueryDuration = HOUR

    def steps(self, now: int) -> tuple[int, int, int]:
        """From, to and step; without `from` the first step begins with a whole one. Raises `ApiError`."""
        start, end = self.period(now)
        if self.start is None:
            start -= start % self.step
        if (end - start) / self.step > MAX_POINTS:
            raise ApiError(400, f"more than {MAX_POINTS} points", field="step", fix="ask for longer steps")
        return start, end, self.step


def hourly(
    service: SiteService, store: Store, sites: Iterable[Site], start: int, end: int
) -> Iterator[tuple[Site, int, Piece]]:
    """What sites did in each hour of `(start, end]`, from the sums that are kept, else from the readings."""
    by_number = {site.number: site for site in sites}
    first, after_last = start // HOUR, -(-end // HOUR)
    anew = set(store.stale_hours(list(by_number), first, after_last))
    whole = -(-start // HOUR), end // HOUR
    kept = store.hours(list(by_number), *whole) if whole[0] < whole[1] else []
    for edge in {first, after_last - 1} - set(range(*whole)):
        inside, cut = _within(store, by_number, edge, (start, end))
        kept += store.hours(inside, edge, edge + 1) if inside else []
        anew.update((number, edge) for number in cut)
    yield from ((by_number[number], hour, piece) for number, hour, piece in kept if (number, hour) not in anew)
    yield from _anew(service, store, by_number, anew, (start, end))


def _within(store: Store, sites: Iterable[int], hour: int, period: tuple[int, int]) -> tuple[list[int], list[int]]:
    """The sites whose kept sums of an hour are all of `(start, end]`, and those that are so in part."""
    start, end = period
    inside, cut = list[int](), list[int]()
    for number, first, last in store.hour_ends(list(sites), hour):
        if first > start and last <= end:
            inside.append(number)
        elif last > start and first <= end:
            cut.append(number)
    return inside, cut


def _anew(
    service: SiteService,
    store: Store,
    by_number: Mapping[int, Site],
    places: Iterable[tuple[int, int]],
    period: tuple[int, int],
) -> Iterator[tuple[Site, int, Piece]]:
    """What sites did in some hours (site, hour) of a period, from their readings."""
    start, end = period
    for hour, group in groupby(sorted((hour, number) for number, hour in places), key=lambda place: place[0]):
        part = (max(start, hour * HOUR), min(end, (hour + 1) * HOUR))
        yield from roll_up_hours(store, service.factors, [by_number[number] for _, number in group], part)


def hourly_means(
    service: SiteService, store: Store, sites: Iterable[Site], first: int, after_last: int
) -> Iterator[SiteMeans]:
    """What sites did in each hour from `first` to before `after_last`, in short."""
    by_number = {site.number: site for site in sites}
    anew = set(store.stale_hours(list(by_number), first, after_last))
    kept = store.site_means(list(by_number), first, after_last)
    yield from (means for means in kept if (means.site, means.hour) not in anew)
    for site, hour, piece in _anew(service, store, by_number, anew, (first * HOUR, after_last * HOUR)):
        yield SiteMeans(site.number, hour, piece.kwh, piece.mean_power, piece.mean_hashrate)


def stale_pieces(
    service: SiteService, store: Store, sites: Sequence[Site], first: int, after_last: int
) -> Iterator[tuple[int, Piece]]:
    """What sites did in the hours whose sums are out of date, from `first` to before `after_last`, by the hour."""
    by_number = {site.number: site for site in sites}
    places = store.stale_hours(list(by_number), first, after_last)
    for _, hour, piece in _anew(service, store, by_number, places, (first * HOUR, after_last * HOUR)):
        yield hour, piece


def in_steps(service: SiteService, store: Store, site: Site, period: tuple[int, int, int]) -> dict[int, Piece]:
    """What a site did in each step of a period, by the begin of the step."""
    start, end, step = period
    found: dict[int, Piece] = {}
    if start % HOUR or step % HOUR:
        pieces = roll_up(store, site, service.factors, (start, end), lambda moment: (moment - 1 - start) // step)
        return {start + number * step: piece for number, piece in pieces.items()}
    for _, hour, piece in hourly(service, store, [site], start, end):
        begin = start + (hour * HOUR - start) // step * step
        found.setdefault(begin, Piece()).add(piece)
    return dict(sorted(found.items()))


def total_of(pieces: Iterable[Piece]) -> Piece:
    """All pieces as one."""
    total = Piece()
    for piece in pieces:
        total.add(piece)
    total.spans = merged(total.spans)
    total.covered_seconds = covered_seconds(total.spans)
    return total


def site_totals(
    service: SiteService, store: Store, sites: Sequence[Site], start: int, end: int, *, by_source: bool
) -> dict[str, Piece]:
    """What each site did in `(start, end]`, by its id, apart from spans; parts have names only with `by_source`.

    The database adds up whole hours; sites that have stale or overlapping ones are added up from their pieces.
    """
    first, after_last = -(-start // HOUR), max(-(-start // HOUR), end // HOUR)
    numbers = [site.number for site in sites]
    stale = {number for number, _ in store.stale_hours(numbers, first, after_last)}
    links: dict[int, list[tuple[int, Piece]]] = {number: [] for number in numbers}
    for site, piece in _pieces(service, store, sites, start, min(end, first * HOUR)):
        links[site.number].append((piece.spans[0][0], piece))
    for found in store.site_sums(numbers, first, after_last, by_source=by_source):
        if found.overlaps:
            stale.add(found.site)
        links[found.site].append((found.begin, found.piece))
    for site, piece in _pieces(service, store, sites, max(start, after_last * HOUR), end):
        links[site.number].append((piece.spans[0][0], piece))
    joined = {site.id: None if site.number in stale else _joined(links[site.number]) for site in sites}
    others = [site for site in sites if joined[site.id] is None]
    anew: dict[str, list[Piece]] = {site.id: [] for site in others}
    for site, piece in _pieces(service, store, others, start, end):
        anew[site.id].append(piece)
    return {name: total_of(anew[name]) if total is None else total for name, total in joined.items()}


def _pieces(
    service: SiteService, store: Store, sites: Sequence[Site], start: int, end: int
) -> Iterator[tuple[Site, Piece]]:
    """The pieces of each hour of `(start, end]`, which may be empty."""
    if sites and start < end:
        for site, _, piece in hourly(service, store, sites, start, end):
            yield site, piece


def _joined(links: Sequence[tuple[int, Piece]]) -> Piece | None:
    """Pieces that follow each other, each with its begin, as one apart from spans; None where they overlap."""
    if len(links) == 1:
        return links[0][1]
    total = Piece()
    for begin, piece in links:
        if begin < total.last:
            return None
        total.add(piece)
    total.spans = []
    return total


def gaps(spans: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What no span covers from `start` to `end`."""
    found, reached = [], start
    for begin, finish in merged(spans):
        if begin > reached and reached < end:
            found.append((reached, min(begin, end)))
        reached = max(reached, finish)
    if reached < end:
        found.append((reached, end))
    return found


def uncovered(
    store: Store, site: Site, spans: Iterable[tuple[int, int]], period: tuple[int, int], now: int
) -> list[tuple[int, int]]:
    """The gaps of a period, as far as it has come: what neither `spans` cover nor the first readings after it."""
    start, end = period
    after = [meter.after for meter in store.rows(site.number, end, end)]
    reaching = [(row.time - row.interval, row.time) for row in after if row is not None]
    return gaps([*spans, *reaching], start, min(end, max(start, now)))


def coverage(sites: Collection[Sequence[tuple[int, int]]], period: tuple[int, int], now: int) -> float | None:
    """The share of a period, as far as it has come, that is in no gap, as a mean over sites; None before it begins."""
    start, end = period
    length = min(end, now) - start
    if length <= 0 or not sites:
        return None
    return 1 - sum(until - since for found in sites for since, until in found) / length / len(sites)

"""Periods of requests, and what sites did in them: hourly sums where they serve, readings where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from collector_core import ApiError, Field, Query, parse_duration
from collector_plugins.sites.fields import QueryMoment
from collector_plugins.sites.rollup import RollUp
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Piece, Store, merged

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
    for number, hour, piece in store.hours(list(by_number), first, after_last):
        if (number, hour) in anew:
            continue
        if piece.first > start and piece.last <= end:
            yield by_number[number], hour, piece
        elif piece.last > start and piece.first <= end:
            anew.add((number, hour))
    for number, hour in sorted(anew):
        site = by_number[number]
        period = (max(start, hour * HOUR), min(end, (hour + 1) * HOUR))
        for piece in RollUp(site, service.factors, lambda _: 0).pieces(store.rows(number, *period)).values():
            yield site, hour, piece


def in_steps(service: SiteService, store: Store, site: Site, period: tuple[int, int, int]) -> dict[int, Piece]:
    """What a site did in each step of a period, by the begin of the step."""
    start, end, step = period
    found: dict[int, Piece] = {}
    if start % HOUR or step % HOUR:
        rolled = RollUp(site, service.factors, lambda moment: (moment - 1 - start) // step)
        pieces = rolled.pieces(store.rows(site.number, start, end))
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


def spans_around(store: Store, site: Site, end: int) -> list[tuple[int, int]]:
    """The intervals of the first readings after `end`, which may reach back before it."""
    after = [meter.after for meter in store.rows(site.number, end, end)]
    return [(row.time - row.interval, row.time) for row in after if row is not None]

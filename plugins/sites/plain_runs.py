"""Readings that the database adds up: one meter's that follow each other with nothing but power and hash rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector_plugins.sites.factors import Factors
from collector_plugins.sites.rollup import RollUp, grids_of
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, MeterRows, Piece, Row, Store, hour_of

COLUMNS = """
    site, meter, count(*), min(time), max(time), min("interval"), max("interval"),
    min(time - time / "interval" * "interval"), max(time - time / "interval" * "interval"),
    sum(power * "interval"), count(power), max(power), sum(hashrate * "interval"), count(hashrate), count(extra),
    max(has_totals)
"""
GROUPS = f'site, meter, (time - "interval") / {HOUR}, (time - 1) / {HOUR}'


class Run(NamedTuple):
    """Readings of a meter whose intervals begin in the same hour, and end in the same, as `COLUMNS` of `GROUPS` say.

    `has_totals` is 1 where a meter of the site has ever given a total.

    `first` and `last` are the times of readings, phases what is left of times divided by the interval; milliseconds.
    """

    site: int
    meter: int
    readings: int
    first: int
    last: int
    shortest: int
    longest: int
    lowest_phase: int
    highest_phase: int
    power: float | None
    powers: int
    peak: float | None
    hashrate: float | None
    hashrates: int
    extras: int
    has_totals: int

    @property
    def is_even(self) -> bool:
        """Whether the readings are as one: their times are all that there are between the first and the last."""
        return (
            self.shortest == self.longest
            and self.lowest_phase == self.highest_phase
            and self.last - self.first == (self.readings - 1) * self.longest
            and self.powers == self.readings
            and self.hashrates in (0, self.readings)
            and self.extras == 0
            and not self.has_totals
        )

    @property
    def row(self) -> Row:
        """All of them as one reading, with the mean power and hash rate."""
        length = self.readings * self.longest
        power = None if self.power is None else self.power / length
        return Row(self.last, length, power, None, None if self.hashrate is None else self.hashrate / length, None)


def roll_up_hours(
    store: Store, factors: Factors, sites: Sequence[Site], period: tuple[int, int]
) -> Iterator[tuple[Site, int, Piece]]:
    """What sites did in each hour of `(start, end]`, from the readings, which the database adds up as far as it can."""
    runs: dict[int, list[Run]] = {}
    for run in store.runs([site.number for site in sites], *period):
        runs.setdefault(run.site, []).append(run)
    grids = grids_of(store, sorted({zone for site in sites for zone in site.zones}), period)
    for site in sites:
        if site.number not in runs:
            continue
        roll_up = RollUp(site, factors, hour_of, grids)
        pieces = _pieces_of_runs(site, roll_up, runs[site.number])
        if pieces is None:
            pieces = roll_up.pieces(store.rows(site.number, *period))
        yield from ((site, hour, piece) for hour, piece in pieces.items())


def _pieces_of_runs(site: Site, roll_up: RollUp, runs: Sequence[Run]) -> dict[int, Piece] | None:
    """What a site did by the hour, by its runs in the order of time; None where that takes the readings themselves."""
    by_hour: dict[int, list[Run]] = {}
    by_meter: dict[int, list[Run]] = {}
    for run in runs:
        by_hour.setdefault(hour_of(run.last), []).append(run)
        by_meter.setdefault(run.meter, []).append(run)
    if any(len({run.meter for run in each}) > 1 for each in by_hour.values()):
        return None
    if not all(_is_whole(site, run) for run in runs):
        return None
    pieces = roll_up.pieces(
        MeterRows(str(meter), None, None, [run.row for run in each]) for meter, each in by_meter.items()
    )
    for hour, piece in pieces.items():
        piece.readings = sum(run.readings for run in by_hour[hour])
        piece.first = min(run.first for run in by_hour[hour])
        piece.peak = max((run.peak for run in by_hour[hour] if run.peak is not None), default=None)
    return pieces


def _is_whole(site: Site, run: Run) -> bool:
    """Whether the run is even, and the same holds for the site at the beginnings of all its intervals."""
    return run.is_even and site.terms_at(run.first - run.longest) is site.terms_at(run.last - run.longest)

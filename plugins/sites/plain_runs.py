"""Readings that the database adds up: one meter's that follow each other with nothing but power and hash rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector_plugins.sites.factors import Factor, Factors
from collector_plugins.sites.rollup import RollUp
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, MeterRows, Piece, Row

COLUMNS = """
    site, meter, count(*), min(time), max(time), min("interval"), max("interval"),
    min(time - time / "interval" * "interval"), max(time - time / "interval" * "interval"),
    sum(power * "interval"), count(power), max(power), sum(hashrate * "interval"), count(hashrate), count(extra)
"""
GROUPS = f'site, meter, (time - "interval") / {HOUR}'


class Run(NamedTuple):
    """Readings of a meter whose intervals begin in the same hour, as `COLUMNS` of `GROUPS` say.

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
        )

    @property
    def row(self) -> Row:
        """All of them as one reading, with the mean power and hash rate."""
        length = self.readings * self.longest
        power = None if self.power is None else self.power / length
        return Row(self.last, length, power, None, None if self.hashrate is None else self.hashrate / length, None)


def piece_of_runs(
    site: Site, factors: Factors, grids: Mapping[tuple[str, int], Factor], runs: Sequence[Run]
) -> Piece | None:
    """What a site did, by its runs in the order of time; None where that takes the readings themselves."""
    if not runs or len({run.meter for run in runs}) > 1 or not all(_is_whole(site, run) for run in runs):
        return None
    (piece,) = RollUp(site, factors, lambda _: 0, grids).pieces([_meter(runs)]).values()
    piece.readings = sum(run.readings for run in runs)
    piece.first = min(run.first for run in runs)
    piece.peak = max((run.peak for run in runs if run.peak is not None), default=None)
    return piece


def _is_whole(site: Site, run: Run) -> bool:
    """Whether the run is even, and the same holds for the site at the beginnings of all its intervals."""
    return run.is_even and site.terms_at(run.first - run.longest) is site.terms_at(run.last - run.longest)


def _meter(runs: Sequence[Run]) -> MeterRows:
    return MeterRows("", None, None, [run.row for run in runs])

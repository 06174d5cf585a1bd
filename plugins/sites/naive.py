"""The naive forecast: the last season again, looked up by time, so that gaps and other steps shift nothing."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, pairwise
from statistics import fmean

from collector_core import ForecastedSeries, NotAvailable, Reason
from collector_plugins.sites.forecasting import HIGHEST, LOWEST, MIDDLE, missing, usual_distance

NORMAL_90 = 1.2816  # standard deviations to the 90th percentile
LEAST_POINTS = 2
MOST_SEASONS = 400  # that are searched for one without a gap


class _Past:
    """What a series was; a point holds for the usual distance from its time on. Times are milliseconds."""

    def __init__(self, points: Sequence[tuple[float, float]], step: float | None) -> None:
        ordered = sorted((round(moment * 1000), value) for moment, value in points)
        self._moments = [moment for moment, _ in ordered]
        self._values = [value for _, value in ordered]
        self.first, self.last = self._moments[0], self._moments[-1]
        usual = round(usual_distance([moment / 1000 for moment in self._moments]) * 1000)
        self.step = usual if step is None else round(step * 1000)
        self.distance = usual if self.first < self.last else self.step

    def value(self, moment: int, season: int | None) -> float:
        """What the step that begins at a moment was a season before, or the season before that where there is a gap.

        The last value without a season, and where all of them have a gap there.
        """
        if season is None:
            return self._values[-1]
        latest = moment + (self.last - moment) // season * season
        begins = islice(range(latest, self.first - 1, -season), MOST_SEASONS)
        means = (self._mean(begin, self.step) for begin in begins)
        return next((mean for mean in means if mean is not None), self._values[-1])

    def errors(self, season: int | None) -> list[float]:
        """By how much each value differs from that of a season before, or from the one before."""
        if season is None:
            return [after - before for before, after in pairwise(self._values)]
        pairs = (
            (value, self._mean(moment - season, 1)) for moment, value in zip(self._moments, self._values, strict=True)
        )
        return [value - before for value, before in pairs if before is not None]

    def _mean(self, begin: int, length: int) -> float | None:
        """The mean of the points that begin in a while; where none does, the one that holds at its begin."""
        low, high = bisect_left(self._moments, begin), bisect_left(self._moments, begin + length)
        if low < high:
            return fmean(self._values[low:high])
        return self._values[low - 1] if low and begin - self._moments[low - 1] < self.distance else None


def naive(
    points: Sequence[tuple[float, float]], horizon: float, step: float | None, season: float | None
) -> ForecastedSeries:
    """The last season again; without one, the last value. The interval is that of its own errors in the past.

    `horizon`, `step` and `season` are in seconds. Raises `ApiError` (409) where there is less than a season.
    """
    if len(points) < LEAST_POINTS and step is None:
        raise missing(NotAvailable(Reason.BAD_DATA, "one point has no step", fix="send at least 2 points, or `step`"))
    past = _Past(points, step)
    lag = None if season is None else round(season * 1000)
    if lag is not None and past.last + past.distance - past.first < lag:
        fix = f"send at least {-(-lag // past.distance)} points"
        raise missing(NotAvailable(Reason.BAD_DATA, "less than a season", fix=fix))
    errors = past.errors(lag)
    spread = NORMAL_90 * math.sqrt(fmean(error * error for error in errors)) if errors else 0.0
    start, steps = past.last + min(past.step, past.distance), math.ceil(round(horizon * 1000) / past.step)
    middle = [(moment / 1000, past.value(moment, lag)) for moment in range(start, start + steps * past.step, past.step)]
    shifts = {LOWEST: -spread, MIDDLE: 0.0, HIGHEST: spread}
    paths = {quantile: [(moment, value + shift) for moment, value in middle] for quantile, shift in shifts.items()}
    return ForecastedSeries(past.step / 1000, paths, "naive", {"naive": 1.0} if errors else {})

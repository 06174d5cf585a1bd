"""The models that need no numpy, each from any row (day) of the series; what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain, cycle, islice
from statistics import fmean

from collector_plugins.forecast.seasons import Seasons

WEEKS, DAYS = 4, 14
LEVELS, MEMORY = 200, 16

Path = list[float]
Models = Mapping[str, Callable[[int], Path]]
"""Each says what comes after as many rows of the series as it is given, of nothing later."""


def models_of(values: Sequence[float], seasons: Seasons, horizon: int) -> Models:
    """The models of a series, the naive one first."""
    return (
        _Seasonal(values, seasons, horizon).models if seasons.seasonal else _without_seasons(values, seasons, horizon)
    )


class _Seasonal:
    """A row is a day; one that has not come yet is what was said of it."""

    def __init__(self, values: Sequence[float], seasons: Seasons, horizon: int) -> None:
        day, self._week = seasons.day, seasons.week // seasons.day
        count, first = divmod(len(values), day)
        self._rows = [values[first + row * day : first + (row + 1) * day] for row in range(count)]
        self._horizon, self._day = horizon, day
        models: dict[str, Callable[[int], Path]] = {"seasonal_naive": self._last_week}
        if self._week > 1:
            models |= {"yesterday": self._yesterday, "median_weeks": self._median_weeks}
        self.models: Models = models | {
            "median_days": self._median_days,
            "weighted_week": self._weighted_week(decay=0.75, damping=0.9),
            "slow_week": self._weighted_week(decay=0.9, damping=0.6),
        }
        self._median = cache(lambda row: self._middle([row - self._week * back for back in range(1, WEEKS + 1)]))

    def _path(self, rows: Sequence[Sequence[float]]) -> Path:
        """The rows, over and over."""
        return list(islice(cycle(chain.from_iterable(rows)), self._horizon))

    def _middle(self, rows: Sequence[int]) -> Path:
        """The median of each step of those rows that there are."""
        columns = zip(*(self._rows[row] for row in rows if row >= 0), strict=True)
        return [median(column) for column in columns]

    def _last_week(self, row: int) -> Path:
        return self._path(self._rows[row - self._week : row])

    def _yesterday(self, row: int) -> Path:
        return self._path([self._rows[row - 1]])

    def _median_weeks(self, row: int) -> Path:
        return self._path([self._median(row + ahead) for ahead in range(self._week)])

    def _median_days(self, row: int) -> Path:
        return self._path([self._middle(range(row - DAYS, row))])

    def _weighted_week(self, *, decay: float, damping: float) -> Callable[[int], Path]:
        """The weighted mean week, on the level of the last day, which is forgotten by and by.

        `totals` has for each row the weighted sum of those one, two … weeks before, and what they weigh.
        """
        fading = [damping ** (step / self._day + 0.5) for step in range(self._horizon)]

        totals = [([0.0] * self._day, 0.0)] * self._week
        for row in self._rows:
            earlier, weight = totals[-self._week]
            total = [decay * (value + each) for value, each in zip(row, earlier, strict=True)]
            totals.append((total, decay * (1 + weight)))

        def path(row: int) -> Path:
            week = [[value / weight for value in total] for total, weight in totals[row : row + self._week]]
            shift = fmean(self._rows[row - 1]) - fmean(week[-1])
            return [value + shift * share for value, share in zip(self._path(week), fading, strict=True)]

        return path


def _without_seasons(values: Sequence[float], seasons: Seasons, horizon: int) -> Models:
    first = len(values) % seasons.day

    def of_past(model: Callable[[Sequence[float], int], Path]) -> Callable[[int], Path]:
        return lambda row: model(values[: first + row * seasons.day], horizon)

    models = {"naive": _last_value, "drift": _drift, "smoothed": _smoothed, "median": _median_value}
    return {name: of_past(model) for name, model in models.items()}


def _last_value(past: Sequence[float], horizon: int) -> Path:
    return [past[-1]] * horizon


def _drift(past: Sequence[float], horizon: int) -> Path:
    recent = past[-4 * horizon :]
    slope = (recent[-1] - recent[0]) / max(1, len(recent) - 1)
    return [past[-1] + slope * step for step in range(1, horizon + 1)]


def _smoothed(past: Sequence[float], horizon: int) -> Path:
    recent = past[-MEMORY:]
    weights = [0.75 ** (len(recent) - place) for place in range(len(recent))]
    return [sum(w * value for w, value in zip(weights, recent, strict=True)) / sum(weights)] * horizon


def _median_value(past: Sequence[float], horizon: int) -> Path:
    return [median(past[-LEVELS:])] * horizon


def median(values: Sequence[float]) -> float:
    """Of at least one number; faster than that of the standard library."""
    ordered, count = sorted(values), len(values)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2

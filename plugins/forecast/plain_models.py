"""The models that need no numpy, each from any row (day) of the series; what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain, cycle, islice

from collector_plugins.forecast.seasons import Seasons

WEEKS, DAYS = 4, 14
LEVELS, MEMORY = 200, 16

Path = list[float]
Model = Callable[[int, int], Path]
"""Says what comes after so many rows of the series, in so many steps, from nothing later."""
Models = Mapping[str, Model]


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
        self._day = day
        models: dict[str, Model] = {"seasonal_naive": self._last_week}
        if self._week > 1:
            models |= {"yesterday": self._yesterday, "median_weeks": self._median_weeks}
        self.models: Models = models | {
            "median_days": self._median_days,
            "weighted_week": self._weighted_week(horizon, decay=0.75, damping=0.9),
            "slow_week": self._weighted_week(horizon, decay=0.9, damping=0.6),
        }
        self._median = cache(lambda row: self._middle([row - self._week * back for back in range(1, WEEKS + 1)]))

    def _path(self, rows: Sequence[Sequence[float]], steps: int) -> Path:
        """The rows, over and over."""
        return list(islice(cycle(chain.from_iterable(rows)), steps))

    def _middle(self, rows: Sequence[int]) -> Path:
        """The median of each step of those rows that there are."""
        return medians([self._rows[row] for row in rows if row >= 0])

    def _last_week(self, row: int, steps: int) -> Path:
        return self._path(self._rows[row - self._week : row], steps)

    def _yesterday(self, row: int, steps: int) -> Path:
        return self._path([self._rows[row - 1]], steps)

    def _median_weeks(self, row: int, steps: int) -> Path:
        days = min(self._week, -(-steps // self._day))
        return self._path([self._median(row + ahead) for ahead in range(days)], steps)

    def _median_days(self, row: int, steps: int) -> Path:
        return self._path([self._middle(range(row - DAYS, row))], steps)

    def _weighted_week(self, horizon: int, *, decay: float, damping: float) -> Model:
        """The weighted mean week, on the level of the last day, which is forgotten by and by.

        `totals` has for each row the weighted sum of those one, two … weeks before, and what they weigh.
        """
        fading = [damping ** (step / self._day + 0.5) for step in range(horizon)]

        totals = [([0.0] * self._day, 0.0)] * self._week
        for row in self._rows:
            earlier, weight = totals[-self._week]
            total = [decay * (value + each) for value, each in zip(row, earlier, strict=True)]
            totals.append((total, decay * (1 + weight)))

        def path(row: int, steps: int) -> Path:
            days = min(self._week, -(-steps // self._day))
            week = [[value / weight for value in total] for total, weight in totals[row : row + days]]
            last, weight = totals[row + self._week - 1]
            shift = (sum(self._rows[row - 1]) - sum(last) / weight) / self._day
            return [value + shift * share for value, share in zip(self._path(week, steps), fading, strict=False)]

        return path


def _without_seasons(values: Sequence[float], seasons: Seasons, horizon: int) -> Models:
    first = len(values) % seasons.day

    def of_past(model: Callable[[Sequence[float], int], Path]) -> Model:
        return lambda row, steps: model(values[: first + row * seasons.day], horizon)[:steps]

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
    return medians([[value] for value in past[-LEVELS:]]) * horizon


def medians(paths: Sequence[Sequence[float]]) -> Path:
    """At each step the median of the paths, of which there is at least one."""
    low, high = (len(paths) - 1) // 2, len(paths) // 2
    return [(column[low] + column[high]) / 2 for column in map(sorted, zip(*paths, strict=True))]

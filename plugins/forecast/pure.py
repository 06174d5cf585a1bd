"""The forecaster without numpy: fewer models, each a few lines, combined and judged in the same way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import compress
from operator import mul, sub
from typing import NamedTuple

from collector_plugins.forecast.outcome import COMBINATION, Outcome, limits
from collector_plugins.forecast.plain_models import Models, Path, median, models_of
from collector_plugins.forecast.seasons import Seasons

PURE = "combination without numpy"
MOST_ENDS = 10
MOST_LONG_ENDS = 4
"""From how many ends, two days apart, all of the horizon is tried; from the others its first day."""
POWER = 6
FAR_WORSE = 1.5
PARTS_OF_DAY = 4
UNSEEN = 0.4
LEVELS = (0.8, 0.95)


def forecast_values(
    values: Sequence[float],
    known: Sequence[bool],
    seasons: Seasons,
    horizon: int,
    quantiles: Sequence[float],
    model: str,
    outside: Sequence[Sequence[float]] = (),
) -> Outcome:
    """Forecast the next steps of a series without gaps, of whose values some are `known` and the others filled in.

    No model uses what is known from `outside`. Raises `ValueError` where no model is called so.
    """
    del outside
    models = models_of(values, seasons, horizon)
    names = tuple(models)
    if model not in {COMBINATION, PURE, *names}:
        raise ValueError(
            f"no model is called {model!r} without numpy: {', '.join((COMBINATION, *names))}; "
            "pip install 'energy-collector[forecast]' for more"
        )
    fit = _Fit(values, known, seasons, horizon, models)
    parts = [part.only(names.index(model)) for part in fit.parts] if model in models else fit.parts
    path = combined(parts, [said(len(values) // seasons.day) for said in models.values()])
    errors = [trial.errors(combined(parts, trial.paths)) for trial in fit.trials]
    bands = _Bands(errors, seasons.day, len(path))
    low, high = _bounds(values, known, seasons, horizon)
    paths = {
        quantile: [min(max(value + off, low), high) for value, off in zip(path, bands.offsets(quantile), strict=True)]
        for quantile in sorted(quantiles)
    }
    weights = dict(zip(names, parts[0].shares, strict=True))
    name = model if model in models else PURE
    return Outcome(paths, name, weights, fit.mase(names), bands.coverage(), names)


class _Part(NamedTuple):
    """Steps of the horizon, each model's share of the weighted mean there, and those whose median is the other half."""

    steps: slice
    shares: Sequence[float]
    near: Sequence[bool]

    def only(self, place: int) -> _Part:
        """The same steps, of one model alone."""
        is_it = [each == place for each in range(len(self.shares))]
        return _Part(self.steps, list(map(float, is_it)), is_it)


class _Trial(NamedTuple):
    """What each model says from one end of the series, what came true, and which of that is known."""

    paths: Sequence[Path]
    actual: Sequence[float]
    known: Sequence[bool]

    def size(self, path: Path, steps: slice) -> float:
        """The sum of the errors of these steps."""
        sizes: Iterator[float] = map(abs, map(sub, self.actual[steps], path[steps]))
        return sum(compress(sizes, self.known[steps]))

    def errors(self, path: Path) -> list[float | None]:
        """What came true minus the path, as far as it is known."""
        off = map(sub, self.actual, path)
        return [each if is_known else None for each, is_known in zip(off, self.known, strict=True)]


class _Fit:
    """All models from earlier ends of the series, and how they are combined."""

    def __init__(
        self, values: Sequence[float], known: Sequence[bool], seasons: Seasons, horizon: int, models: Models
    ) -> None:
        day, first = seasons.day, len(values) % seasons.day
        fewest = 2 * seasons.week // day if seasons.seasonal else 2
        rows = range(len(values) // day - 1, max(fewest, 1) - 1, -1)[:MOST_ENDS]
        long_ones = rows[1 : 2 * MOST_LONG_ENDS : 2] or rows
        self.trials = []
        for row in rows:
            start = first + row * day
            steps = slice(start, start + (horizon if row in long_ones else min(day, horizon)))
            self.trials.append(_Trial([path(row) for path in models.values()], values[steps], known[steps]))
        self._count = len(models)
        self._steps = [slice(0, min(day, horizon)), *([slice(day, horizon)] if horizon > day else [])]

    @cached_property
    def parts(self) -> list[_Part]:
        """The first day and all further ones: different models are good at them."""
        sizes = [_mean_sizes(self.trials, steps, self._count) for steps in self._steps]
        first = next((found for found in sizes if found), [1.0] * self._count)
        return [_part(steps, found or first) for steps, found in zip(self._steps, sizes, strict=True)]

    def mase(self, names: Sequence[str]) -> dict[str, float]:
        """Errors over that of the first, naive model; those that lose to it are left out."""
        everything = slice(None)
        sizes = _sizes(self.trials, everything, self._count)
        whole = sum(trial.size(combined(self.parts, trial.paths), everything) for trial in self.trials)
        found = zip((*names, COMBINATION), (*sizes, whole), strict=True)
        return {name: size / sizes[0] for name, size in found if size <= sizes[0]} if sizes[0] else {}


def _sizes(trials: Sequence[_Trial], steps: slice, count: int) -> list[float]:
    """The errors of each model in all trials, added up."""
    return [sum(trial.size(trial.paths[number], steps) for trial in trials) for number in range(count)]


def _mean_sizes(trials: Sequence[_Trial], steps: slice, count: int) -> list[float]:
    """The mean error of each model; empty where nothing of these steps has come true."""
    known = sum(sum(trial.known[steps]) for trial in trials)
    return [size / known for size in _sizes(trials, steps, count)] if known else []


def _part(steps: slice, sizes: Sequence[float]) -> _Part:
    floor = max(max(sizes) * 1e-12, 1e-300)
    best = max(min(sizes), floor)
    shares = [(best / max(size, floor)) ** POWER for size in sizes]
    near = [share >= 1 / FAR_WORSE**POWER for share in shares]
    return _Part(steps, [share / sum(shares) for share in shares], near)


def combined(parts: Sequence[_Part], paths: Sequence[Path]) -> Path:
    """Half the weighted mean, half the median of those that are not far worse."""
    found = []
    for steps, shares, near in parts:
        columns = [path[steps] for path in paths]
        means = (sum(map(mul, shares, column)) for column in zip(*columns, strict=True))
        middles = map(median, zip(*compress(columns, near), strict=True))
        found += [(mean + middle) / 2 for mean, middle in zip(means, middles, strict=True)]
    return found


def _bounds(values: Sequence[float], known: Sequence[bool], seasons: Seasons, horizon: int) -> tuple[float, float]:
    low, high = limits(list(compress(values, known)))
    if seasons.seasonal:
        return low, high
    reach = (values[-1] - values[0]) / max(1, len(values) - 1) * horizon
    return min(low, low + reach) if low < 0 else low, max(high, high + reach)


class _Bands:
    """How wide intervals are, by the size of the errors at the same part of the day."""

    def __init__(self, errors: Sequence[Sequence[float | None]], day: int, horizon: int) -> None:
        self._parts = [_part_of(step, day) for step in range(horizon)]
        self._pools: dict[int, list[float]] = {}
        for row in errors:
            for part, error in zip(self._parts, row, strict=False):
                if error is not None:
                    self._pools.setdefault(part, []).append(abs(error))
        for pool in self._pools.values():
            pool.sort()
        self._ends = max(1, len(errors))

    def offsets(self, quantile: float) -> list[float]:
        """What to add to the path for a quantile: the size of errors that its share of them stays within."""
        sign = (quantile > 0.5) - (quantile < 0.5)
        widths = self._widths(abs(2 * quantile - 1))
        return [sign * widths[part] for part in self._parts]

    def coverage(self) -> dict[float, float]:
        """How many of the errors are within the interval of a level."""
        count = sum(map(len, self._pools.values()))
        found = {}
        for level in LEVELS if count else ():
            widths = self._widths(level)
            found[level] = sum(bisect_right(pool, widths[part]) for part, pool in self._pools.items()) / count
        return found

    def _widths(self, share: float) -> dict[int, float]:
        share = min(share * (1 + UNSEEN / self._ends), 1 - (1 - share) / 3)
        widths = {part: _at(pool, share) for part, pool in self._pools.items()}
        longest = max(widths.values(), default=0.0)
        return {part: widths.get(part, widths.get(part % PARTS_OF_DAY, longest)) for part in {*self._parts}}


def _part_of(step: int, day: int) -> int:
    """Parts of the first day, and of all further days together."""
    part = step % day * PARTS_OF_DAY // day
    return part if step < day else part + PARTS_OF_DAY


def _at(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])

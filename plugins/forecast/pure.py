"""The forecaster without numpy: fewer models, each a few lines, combined and judged in the same way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from operator import sub
from typing import NamedTuple

from collector_plugins.forecast.model_names import PURE
from collector_plugins.forecast.outcome import COMBINATION, Outcome, limits, without_losers
from collector_plugins.forecast.plain_models import Models, Path, medians, models_of
from collector_plugins.forecast.seasons import Seasons

MOST_ENDS = 6
MOST_LONG_ENDS = 3
"""From how many ends, two days apart, all of the horizon is tried; from the others its first day."""
POWER = 6
FAR_WORSE = 1.5
PARTS_OF_DAY = 4
UNSEEN = 0.2
NOTHING = 1e-3
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
    trials = _trials(values, known, seasons, horizon, models)
    sizes = [_sizes(trials, steps, len(names)) for steps in _steps(seasons.day, horizon)]
    parts = _parts(trials, sizes, seasons.day, horizon)
    mixed = [combined(parts, trial.paths) for trial in trials]
    relative = _relative_errors(names, [sum(each) for each in zip(*sizes, strict=True)], trials, mixed)
    if model not in models:
        model = names[0] if relative.get(PURE, 0.0) > 1 else PURE
    if model in models:
        parts = [part.only(names.index(model)) for part in parts]
        mixed = [trial.paths[names.index(model)] for trial in trials]
    path = combined(parts, [said(len(values) // seasons.day, horizon) for said in models.values()])
    errors = [trial.errors(each) for trial, each in zip(trials, mixed, strict=True)]
    bands = _Bands(errors, seasons.day, horizon)
    low, high = _bounds(values, known, seasons, horizon)
    paths = {
        quantile: [min(max(value + off, low), high) for value, off in zip(path, bands.offsets(quantile), strict=True)]
        for quantile in sorted(quantiles)
    }
    weights = dict(zip(names, parts[0].shares, strict=True))
    return Outcome(paths, model, weights, without_losers(relative, model), bands.coverage(), names)


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


def _trials(
    values: Sequence[float], known: Sequence[bool], seasons: Seasons, horizon: int, models: Models
) -> list[_Trial]:
    """What all models say from earlier ends of the series."""
    day, first = seasons.day, len(values) % seasons.day
    fewest = 2 * seasons.week // day if seasons.seasonal else 2
    rows = range(len(values) // day - 1, max(fewest, 1) - 1, -1)[:MOST_ENDS]
    long_ones = rows[1 : 2 * MOST_LONG_ENDS : 2] or rows
    trials = []
    for row in rows:
        start = first + row * day
        steps = slice(start, start + (horizon if row in long_ones else min(day, horizon)))
        actual = values[steps]
        trials.append(_Trial([path(row, len(actual)) for path in models.values()], actual, known[steps]))
    return trials


def _steps(day: int, horizon: int) -> list[slice]:
    """The first day and all further ones: different models are good at them."""
    return [slice(0, min(day, horizon)), *([slice(day, horizon)] if horizon > day else [])]


def _sizes(trials: Sequence[_Trial], steps: slice, count: int) -> list[float]:
    """The errors of each model in all trials, added up."""
    return [sum(trial.size(trial.paths[number], steps) for trial in trials) for number in range(count)]


def _parts(trials: Sequence[_Trial], sizes: Sequence[Sequence[float]], day: int, horizon: int) -> list[_Part]:
    """How models are combined; as in the first part where nothing of a later one has come true yet."""
    found = list[_Part]()
    for steps, errors in zip(_steps(day, horizon), sizes, strict=True):
        is_known = any(any(trial.known[steps]) for trial in trials)
        shares = _part(steps, errors if is_known else [1.0] * len(errors))
        found.append(shares if is_known or not found else found[0]._replace(steps=steps))
    return found


def _relative_errors(
    names: Sequence[str], sizes: Sequence[float], trials: Sequence[_Trial], mixed: Sequence[Path]
) -> dict[str, float]:
    """The error of each model over that of the first, naive one; nothing where that has none."""
    whole = sum(trial.size(path, slice(None)) for trial, path in zip(trials, mixed, strict=True))
    found = zip((*names, PURE), (*sizes, whole), strict=True)
    return {name: size / sizes[0] for name, size in found} if sizes[0] else {}


def _part(steps: slice, sizes: Sequence[float]) -> _Part:
    floor = max(max(sizes) * 1e-12, 1e-300)
    best = max(min(sizes), floor)
    shares = [(best / max(size, floor)) ** POWER for size in sizes]
    near = [share >= 1 / FAR_WORSE**POWER for share in shares]
    return _Part(steps, [share / sum(shares) for share in shares], near)


def combined(parts: Sequence[_Part], paths: Sequence[Path]) -> Path:
    """Half the weighted mean, half the median of those that are not far worse."""
    found: Path = []
    for steps, shares, near in parts:
        columns = [path[steps] for path in paths]
        weighted = [(share / 2, column) for share, column in zip(shares, columns, strict=True) if share > NOTHING]
        halves = [[share * value for value in column] for share, column in weighted]
        middles = [value / 2 for value in medians(list(compress(columns, near)))]
        found += map(sum, zip(*halves, middles, strict=True))
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
        self._parts = _parts_of_day(day, horizon)
        self._pools: dict[int, list[float]] = {}
        for row in errors:
            for part, steps in self._parts:
                known = [abs(error) for error in row[steps] if error is not None]
                if known:
                    self._pools.setdefault(part, []).extend(known)
        for pool in self._pools.values():
            pool.sort()
        self._ends = max(1, len(errors))

    def offsets(self, quantile: float) -> list[float]:
        """What to add to the path for a quantile: the size of errors that its share of them stays within."""
        sign = (quantile > 0.5) - (quantile < 0.5)
        widths = self._widths(abs(2 * quantile - 1))
        return [sign * widths[part] for part, steps in self._parts for _ in range(steps.start, steps.stop)]

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
        return {part: widths.get(part, widths.get(part % PARTS_OF_DAY, longest)) for part, _ in self._parts}


def _parts_of_day(day: int, horizon: int) -> list[tuple[int, slice]]:
    """Which steps are in each part of the first day, and of all further days together, in order."""
    cuts = [-(-part * day // PARTS_OF_DAY) for part in range(PARTS_OF_DAY + 1)]
    found: list[tuple[int, slice]] = []
    for start in range(0, horizon, day):
        later = PARTS_OF_DAY if start else 0
        for part, (first, end) in enumerate(pairwise(cuts)):
            steps = slice(start + first, min(start + end, horizon))
            if steps.start < steps.stop:
                found.append((part + later, steps))
    return found


def _at(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])

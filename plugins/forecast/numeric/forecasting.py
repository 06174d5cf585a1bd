"""Fits all models to one series, from its end and from earlier ones, and combines them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from collector_plugins.forecast.numeric import libraries
from collector_plugins.forecast.numeric.combination import Record, combine
from collector_plugins.forecast.numeric.frame import Array, Frame
from collector_plugins.forecast.numeric.intervals import offsets
from collector_plugins.forecast.numeric.models import NAIVE, SEASONAL_NAIVE, competing
from collector_plugins.forecast.outcome import COMBINATION, Outcome, Outcomes, limits, without_losers
from collector_plugins.forecast.seasons import Seasons

MOST_ENDS = 21
LEVELS = (0.8, 0.95)


def fit(
    values: Sequence[float],
    known: Sequence[bool],
    seasons: Seasons,
    horizon: int,
    quantiles: Sequence[float],
    outside: Sequence[Sequence[float]] = (),
) -> Outcomes:
    """Fit all models to a series without gaps, of whose values some are `known` and the others filled in.

    `outside` has columns that are known for the series and the horizon. A library is fitted when it is asked for, with
    all models beside it; what is returned raises `NotAvailable` where it is missing.
    """
    series = np.asarray(values, dtype=float)
    scale = float(np.abs(series).max()) or 1.0

    def fitted(asked: str = COMBINATION) -> _Fit:
        return _Fit(series / scale, np.asarray(known), seasons, horizon, outside, asked)

    ours = fitted()

    def outcome(model: str) -> Outcome:
        found = (fitted(model) if model in libraries.LIBRARIES else ours).outcome(quantiles, model)
        paths = {quantile: [value * scale for value in path] for quantile, path in found.quantiles.items()}
        return replace(found, quantiles=paths)

    return outcome


class _Fit:
    def __init__(
        self,
        series: Array,
        known: Array,
        seasons: Seasons,
        horizon: int,
        outside: Sequence[Sequence[float]],
        asked: str = COMBINATION,
    ) -> None:
        library = libraries.model_of(asked)
        self._frame = _frame(series, seasons, horizon, libraries.MOST_ENDS if library else MOST_ENDS)
        models = competing(self._frame, outside) | ({asked: library} if library else {})
        low, high = self._limits(series[known])
        paths = np.array([model(self._frame) for model in models.values()])
        naive = paths[list(models).index(self._naive)]
        paths = np.clip(np.where(np.isfinite(paths), paths, naive), low, high)
        self._bounds = low, high
        actual = np.where(known, series, np.nan)
        self._record = Record(tuple(models), paths, self._came_true(actual), self._frame.day)
        self._combined, self._weights = combine(self._record)
        self._relative = self._relative_errors(self._combined)

    def _limits(self, seen: Array) -> tuple[float, float]:
        low, high = limits(seen.tolist())
        if not self._frame.seasonal:
            reach = (seen[-1] - seen[0]) / max(len(seen) - 1, 1) * self._frame.horizon * 2
            low, high = min(low, low + reach), max(high, high + reach)
            low = max(low, 0.0) if seen.min() >= 0 else low
        return low, high

    def _came_true(self, actual: Array) -> Array:
        """What came true after each end; nothing is known yet after the first."""
        padded = np.concatenate([actual, np.full(self._frame.horizon, np.nan)])
        came: Array = padded[self._frame.ends[:, None] + np.arange(self._frame.horizon)]
        return came

    def outcome(self, quantiles: Sequence[float], model: str) -> Outcome:
        """The paths of the asked model, and what stands behind them."""
        record, relative = self._record, self._relative
        if model == COMBINATION and relative.get(COMBINATION, 0.0) > 1:
            model = self._naive
        if model == COMBINATION:
            paths, weights = self._combined, self._weights
        elif model in record.names:
            paths, weights = record.paths[record.names.index(model)], np.array([name == model for name in record.names])
        else:
            names = ", ".join((COMBINATION, *record.names, *libraries.LIBRARIES))
            raise ValueError(f"no model is called {model!r}: {names}")
        asked = list(dict.fromkeys((*quantiles, *_of_levels())))
        moves = offsets(record.actual[1:] - paths[1:], self._frame.day, asked)
        bands = np.sort(np.clip(paths[0] + moves, *self._bounds)[np.argsort(asked)], axis=0)
        order = sorted(asked)
        found = {quantile: bands[order.index(quantile)].tolist() for quantile in quantiles}
        shares = {name: float(weight) for name, weight in zip(record.names, weights, strict=True) if weight > 0.005}
        coverage = self._coverage(paths, moves, asked)
        return Outcome(found, model, shares, without_losers(relative, model), coverage, record.names)

    @property
    def _naive(self) -> str:
        """The model that repeats the last season, or the last value where there is none."""
        return SEASONAL_NAIVE if self._frame.seasonal else NAIVE

    def _relative_errors(self, combined: Array) -> dict[str, float]:
        """The error of each model over that of the naive one; nothing where that has none."""
        whole = Record(
            (*self._record.names, COMBINATION),
            np.vstack([self._record.paths, combined[None]]),
            self._record.actual,
            self._frame.day,
        )
        errors = whole.errors(slice(None))
        of_naive = errors[whole.names.index(self._naive)] if errors is not None else 0.0
        if errors is None or not of_naive > 0:
            return {}
        return {name: float(each / of_naive) for name, each in zip(whole.names, errors, strict=True)}

    def _coverage(self, paths: Array, moves: Array, asked: Sequence[float]) -> dict[float, float]:
        actual = self._record.actual[1:]
        known = np.isfinite(actual)
        if not known.any():
            return {}
        found = {}
        for level, (low, high) in zip(LEVELS, _pairs(), strict=True):
            lower, upper = (np.clip(paths[1:] + moves[asked.index(each)], *self._bounds) for each in (low, high))
            found[level] = float(((actual >= lower) & (actual <= upper))[known].mean())
        return found


def _pairs() -> list[tuple[float, float]]:
    return [(round((1 - level) / 2, 6), round((1 + level) / 2, 6)) for level in LEVELS]


def _of_levels() -> list[float]:
    return [quantile for pair in _pairs() for quantile in pair]


def _frame(series: Array, seasons: Seasons, horizon: int, most_ends: int) -> Frame:
    day, week = seasons.day, seasons.week
    count = len(series) // day
    fewest = 2 * (week // day) if week > day else 2
    ends = np.arange(count, max(count - most_ends, fewest, 1) - 1, -1) if count > fewest else np.array([count])
    return Frame(series, ends, day, week, horizon, seasons.seasonal)

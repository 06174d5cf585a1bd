"""Forecasts every series from 24 times with every model, and compares the errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, log
from statistics import fmean

from bench.forecast.libraries import Forecaster
from collector_plugins.forecast import pure
from collector_plugins.forecast.forecaster import COMBINATION, fit
from collector_plugins.forecast.model_names import PURE
from collector_plugins.forecast.seasons import find_seasons
from collector_plugins.forecast.series import TimeSeries

TRAINING = 8 * 168
HORIZONS = (24, 168)
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
LEVELS = {0.8: (0.1, 0.9), 0.95: (0.025, 0.975)}


@dataclass
class Scores:
    """Of one model on one series: errors by horizon in units of the weekly naive one's, and CPU seconds of each fit."""

    errors: dict[int, list[float]] = field(default_factory=lambda: {horizon: [] for horizon in HORIZONS})
    seconds: list[float] = field(default_factory=list)
    inside: dict[float, list[float]] = field(default_factory=lambda: {level: [] for level in LEVELS})

    def mase(self, horizon: int) -> float:
        """The mean over all starts."""
        return fmean(self.errors[horizon])

    def add(self, path: Sequence[float], actual: Sequence[float], scale: float, seconds: float) -> None:
        """Judge one forecast."""
        self.seconds.append(seconds)
        off = [abs(said - came) / scale for said, came in zip(path, actual, strict=True)]
        for horizon in HORIZONS:
            self.errors[horizon].append(fmean(off[:horizon]))


def starts(count: int, number: int) -> list[int]:
    """Spread evenly, with room for training and the longest horizon."""
    room = count - TRAINING - HORIZONS[-1]
    return [TRAINING + room * place // max(1, number - 1) for place in range(number)]


def score_library(values: Sequence[float], number: int, library: Forecaster) -> Scores:
    """Of one library; like ours, its forecasts are held near what was seen in training."""
    found = Scores()
    for past, actual, scale in _trials(values, number):
        margin = (max(past) - min(past)) / 10
        low, high = min(past) - margin, max(past) + margin
        began = time.process_time()
        path = [min(max(each, low), high) for each in library(past, HORIZONS[-1])]
        found.add(path, actual, scale, time.process_time() - began)
    return found


def score_ours(values: Sequence[float], number: int) -> dict[str, Scores]:
    """By model: the combination, the one without numpy, and each model that there is at every start."""
    found: dict[str, Scores] = {}
    for past, actual, scale in _trials(values, number):
        _ours(found, past, actual, scale)
    return {name: each for name, each in found.items() if len(each.seconds) == number}


def _trials(values: Sequence[float], number: int) -> Iterator[tuple[list[float], Sequence[float], float]]:
    """What is learnt from, what came true, and the error of repeating the last week in the first."""
    for start in starts(len(values), number):
        past = list(values[start - TRAINING : start])
        scale = fmean(abs(later - earlier) for later, earlier in zip(past[168:], past, strict=False))
        yield past, values[start : start + HORIZONS[-1]], scale


def _ours(found: dict[str, Scores], past: list[float], actual: Sequence[float], scale: float) -> None:
    series = TimeSeries(0.0, 3600.0, past)
    fitted = fit(series, HORIZONS[-1], QUANTILES)
    said = fitted(COMBINATION)
    found.setdefault(COMBINATION, Scores()).add(said.quantiles[0.5], actual, scale, said.seconds)
    for level, (low, high) in LEVELS.items():
        bands = zip(said.quantiles[low], actual, said.quantiles[high], strict=True)
        found[COMBINATION].inside[level].append(fmean(lower <= value <= upper for lower, value, upper in bands))
    began = time.process_time()
    seasons = find_seasons(past, 3600.0, HORIZONS[-1])
    plain = pure.fit(past, [True] * len(past), seasons, HORIZONS[-1], (0.5,))(COMBINATION)
    took = time.process_time() - began
    found.setdefault(PURE, Scores()).add(plain.quantiles[0.5], actual, scale, took)
    for name in said.competitors:
        one = fitted(name)
        found.setdefault(name, Scores()).add(one.quantiles[0.5], actual, scale, one.seconds)


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive numbers."""
    return exp(fmean(map(log, values)))

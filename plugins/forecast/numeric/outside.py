"""A model that knows columns from outside, such as temperature, prices or holidays, beyond the end of the series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from collector_plugins.forecast.numeric.frame import Array, Frame
from collector_plugins.forecast.numeric.regressions import corrected
from collector_plugins.forecast.numeric.shape import shaped_days

PARTS_OF_DAY = 4
PENALTY = 5.0


def with_outside(frame: Frame, outside: Array) -> Array:
    """The series without what unusual values outside did to it, forecast as usual, and what those to come will do.

    `outside` has one row per column, of the length of the series and the horizon.
    """
    effect = _effect(frame, outside)
    adjusted = replace(frame, values=frame.values - effect[: len(frame.values)])
    path: Array = corrected(adjusted, shaped_days) + effect[frame.ends[:, None] + np.arange(frame.horizon)]
    return path


def _effect(frame: Frame, outside: Array) -> Array:
    count = len(frame.values)
    features = np.vstack([_features(column, frame.week, count, frame.day) for column in outside])
    known, unusual = features[:, :count], _unusual(frame.values, frame.week, count)
    gram = known @ known.T + PENALTY * np.eye(len(features))
    effect: Array = np.linalg.solve(gram, known @ unusual) @ features
    return effect


def _features(column: Array, week: int, count: int, day: int) -> Array:
    """How unusual a column is for the time of the week, by part of the day, and times its distance from the mean."""
    unusual = _unusual(column, week, count)
    size = float(unusual[:count].std()) or 1.0
    centred = (column - column[:count].mean()) / (float(column[:count].std()) or 1.0)
    part = (np.arange(len(column)) - count) % day * PARTS_OF_DAY // day
    by_part = [unusual / size * (part == each) for each in range(PARTS_OF_DAY)]
    return np.vstack([*by_part, unusual / size * centred])


def _unusual(values: Array, week: int, count: int) -> Array:
    """Each value less the mean of its time of the week in the series."""
    phase = (np.arange(len(values)) - count) % week
    sums = np.bincount(phase[:count], weights=values[:count], minlength=week)
    usual = sums / np.maximum(np.bincount(phase[:count], minlength=week), 1)
    left: Array = values - usual[phase]
    return left

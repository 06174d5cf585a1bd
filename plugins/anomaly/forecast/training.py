"""Trains a linear autoregressive model with daily and weekly waves on the rows of a series.

Ridge regression by the normal equations, on features in units of the series' own spread. The 19 features make them
small enough for plain Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from operator import mul
from statistics import fmean
from typing import NamedTuple

from collector_plugins.anomaly import cholesky
from collector_plugins.anomaly.forecast import features

FEWEST_ROWS = 500
HELD_BACK = 0.2  # of the rows, the last ones: what the model is judged by
RIDGE = 1e-3
CONSTANT_RIDGE = 1e-9  # the constant goes free of the penalty
CONSTANT = features.LAGS  # position of the constant among the features

Vectors = Sequence[Sequence[float]]


class TrainedSeries(NamedTuple):
    """The model of one series.

    `error` is the mean absolute error, in the unit of the series, on rows that the model was not trained on;
    `naive_error` is that of predicting the last row again.
    """

    series: str
    rows: int
    weights: list[float]
    error: float
    naive_error: float

    @property
    def is_useful(self) -> bool:
        """Whether it predicts better than the last row does."""
        return self.error < self.naive_error


def train_series(series: str, rows: Mapping[float, float], row_seconds: float) -> TrainedSeries | None:
    """Train on the rows of a series by time, in seconds since 1970; None if fewer than 500 have 12 before them."""
    vectors, targets = _examples(rows, row_seconds)
    if len(targets) < FEWEST_ROWS:
        return None
    cut = int(len(targets) * (1 - HELD_BACK))
    judged = _fit(vectors[:cut], targets[:cut])
    held_back = list(zip(vectors[cut:], targets[cut:], strict=True))
    error = fmean(abs(_dot(judged, vector) - target) for vector, target in held_back)
    naive_error = fmean(abs(vector[0] - target) for vector, target in held_back)
    return TrainedSeries(series, len(targets), _fit(vectors, targets), error, naive_error)


def _examples(rows: Mapping[float, float], row_seconds: float) -> tuple[list[list[float]], list[float]]:
    """The features and the value of each row with 12 rows right before it."""
    vectors, targets = [], []
    times = sorted(rows)
    steady = 0
    for place in range(1, len(times)):
        steady = steady + 1 if times[place] - times[place - 1] <= 1.5 * row_seconds else 0
        if steady >= features.LAGS:
            last_rows = [rows[time] for time in reversed(times[place - features.LAGS : place])]
            vectors.append(features.feature_vector(last_rows, times[place]))
            targets.append(rows[times[place]])
    return vectors, targets


def _fit(vectors: Vectors, targets: Sequence[float]) -> list[float]:
    """Ridge regression; the penalty is the same whatever the unit."""
    center = fmean(targets)
    scale = sqrt(fmean((target - center) ** 2 for target in targets)) or 1.0
    lags, rest = _columns(vectors)
    columns = [[(value - center) / scale for value in column] for column in lags] + rest
    scaled_targets = [(target - center) / scale for target in targets]
    weights = cholesky.solve(_penalized_gram(columns, len(targets)), [_dot(each, scaled_targets) for each in columns])
    raw = weights[: features.LAGS] + [weight * scale for weight in weights[features.LAGS :]]
    raw[CONSTANT] += center * (1.0 - sum(weights[: features.LAGS]))
    return raw


def _columns(vectors: Vectors) -> tuple[list[list[float]], list[list[float]]]:
    """The columns of the last rows, and all others."""
    columns = [list(column) for column in zip(*vectors, strict=True)]
    return columns[: features.LAGS], columns[features.LAGS :]


def _penalized_gram(columns: Sequence[Sequence[float]], rows: int) -> list[list[float]]:
    """Xᵀ X with the penalty on its diagonal; only the lower triangle, which is all that Cholesky reads."""
    gram = [[_dot(column, other) for other in columns[: place + 1]] for place, column in enumerate(columns)]
    for place, line in enumerate(gram):
        line[place] += CONSTANT_RIDGE if place == CONSTANT else RIDGE * rows
    return gram


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    products: Iterable[float] = map(mul, left, right)
    return sum(products)

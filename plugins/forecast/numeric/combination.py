"""Makes one forecast of many: half by how well each model did on this series, half the median of the best."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from collector_plugins.forecast.numeric.frame import Array

POWER = 12.0
IN_THE_MEDIAN = 6
FAR_WORSE = 1.25
"""How many times the best model's error keeps a model out of the median."""
TINY = 1e-12
PARTS_OF_DAY = 4
ENOUGH = 14


@dataclass(frozen=True)
class Record:
    """How the models did from earlier ends of the series, and what came true.

    `paths` has one path per model and end; the first end is that of the series, whose future nobody knows yet.
    `actual` has what came true after each end, NaN where that is not known.
    """

    names: tuple[str, ...]
    paths: Array
    actual: Array
    day: int

    @property
    def parts(self) -> list[slice]:
        """The next quarter of a day, the rest of that day, and all further ones: different models are good at them."""
        ends, horizon = self.actual.shape
        soon = max(1, self.day // PARTS_OF_DAY) if ends > ENOUGH else self.day  # of few ends too few errors are known
        cuts = sorted({0, *(min(steps, horizon) for steps in (soon, self.day, horizon))})
        return [slice(start, end) for start, end in pairwise(cuts)]

    def errors(self, part: slice) -> Array | None:
        """The mean absolute error of each model in this part of the horizon; None where nothing of it came true."""
        actual = self.actual[1:, part]
        known = np.isfinite(actual)
        if not known.any():
            return None
        off = np.abs(self.paths[:, 1:, part] - np.where(known, actual, 0.0))
        mean: Array = (off * known).sum(axis=(1, 2)) / known.sum()
        return mean


def combine(record: Record) -> tuple[Array, Array]:
    """The combined path of each end, and the weights of the models on the next quarter of a day."""
    combined = np.empty(record.paths.shape[1:])
    errors: Array | None = None
    first_weights: Array | None = None
    for part in record.parts:
        found = record.errors(part)
        errors = errors if found is None else found
        weights = model_weights(errors, len(record.names))
        paths = record.paths[:, :, part]
        best = np.argsort(-weights, kind="stable")[:IN_THE_MEDIAN]
        best = best[weights[best] >= weights.max() / FAR_WORSE**POWER]
        combined[:, part] = 0.5 * np.einsum("m,meh->eh", weights, paths) + 0.5 * np.median(paths[best], axis=0)
        if first_weights is None:
            first_weights = 0.5 * weights
            first_weights[best] += 0.5 / len(best)
    assert first_weights is not None  # noqa: S101 - there is a first part
    return combined, first_weights


def model_weights(errors: Array | None, count: int) -> Array:
    """Each model's share by its error; equal ones where no error is known."""
    if errors is None:
        return np.full(count, 1 / count)
    floor = max(float(errors.max()) * TINY, np.finfo(float).tiny)
    relative = np.maximum(errors, floor)
    shares = (relative.min() / relative) ** POWER
    total: Array = shares / shares.sum()
    return total

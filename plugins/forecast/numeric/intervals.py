"""Intervals that hold what they promise, from the errors that the combination made on this very series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from collector_plugins.forecast.numeric.frame import Array

NEIGHBOURS = 12
"""Errors are taken together over a twelfth of a day to either side."""
OVERLAP = 3
"""Ends whose further days ahead overlap so much that they tell as much as one."""
UNSEEN = 0.4
NO_ERROR = 0.01
"""An error that is a smaller share of the mean one is none: nights without sun, a battery that is full."""
MOST_MISSES = 1.5


def offsets(errors: Array, day: int, quantiles: Sequence[float]) -> Array:
    """What to add to the forecast for each quantile (rows) at each step ahead.

    `errors` has what came true minus what was forecast, one row per earlier end, NaN where that is not known. Each step
    learns from the same hour and the ones beside it; days after the first, of which there are fewer, from each other.
    Where many steps have no error, the others may miss more often: all together miss about as often as promised.
    """
    horizon = errors.shape[1]
    misses = min(1 / _share_with_errors(errors) ** 0.5, MOST_MISSES)
    quantiles = [quantile if quantile == 0.5 else _nearer(quantile, misses) for quantile in quantiles]
    found = np.zeros((len(quantiles), horizon))
    first = _pooled(errors[:, :day], day)
    ends = max(1, len(errors))
    found[:, : first.shape[1]] = _quantiles(first, quantiles, ends)
    if horizon > day:
        later = errors[:, day:]
        missing = -later.shape[1] % day
        later = np.pad(later, ((0, 0), (0, missing)), constant_values=np.nan).reshape(-1, day)
        each = _quantiles(_pooled(later, day), quantiles, ends / min(OVERLAP, horizon // day))
        repeated = np.tile(each, -(-horizon // day))[:, : horizon - day]
        known = np.isfinite(repeated)
        found[:, day:] = np.where(known, repeated, np.tile(found[:, :day], -(-horizon // day))[:, : horizon - day])
    return np.nan_to_num(found)


def _share_with_errors(errors: Array) -> float:
    """Of the known ones, those that are not next to nothing; 1 where there are none at all."""
    sizes = np.abs(errors[np.isfinite(errors)])
    share = float((sizes > NO_ERROR * sizes.mean()).mean()) if len(sizes) else 0.0
    return share or 1.0


def _nearer(quantile: float, misses: float) -> float:
    """The quantile beyond which there are so many times as many values, but no further than half way to the middle."""
    beyond = min(quantile, 1 - quantile)
    beyond = min(beyond * misses, (beyond + 0.5) / 2)
    return beyond if quantile < 0.5 else 1 - beyond


def _pooled(errors: Array, day: int) -> Array:
    """The errors of each step and its neighbours, one below the other."""
    width = day // NEIGHBOURS if day >= NEIGHBOURS else 0
    stride = max(1, width // 2)
    shifts = range(-width, width + 1, stride)
    steps = np.arange(errors.shape[1])
    return np.concatenate([errors[:, np.clip(steps + shift, 0, errors.shape[1] - 1)] for shift in shifts])


def _quantiles(errors: Array, quantiles: Sequence[float], ends: float) -> Array:
    """The mean of two estimates: the usual size of the errors, and what lies on the quantile's side of the forecast.

    The fewer independent `ends` the errors are of, the further out a quantile is looked for: the next error is not
    among them.
    """
    ordered = np.sort(errors, axis=0)
    sizes = np.sort(np.abs(errors), axis=0)
    count = np.isfinite(errors).sum(axis=0)
    rows = []
    for quantile in quantiles:
        sign = np.sign(quantile - 0.5)
        within = abs(2 * quantile - 1)
        within = min(within * (1 + UNSEEN / ends), 1 - (1 - within) / 3)
        side = _at(ordered, count, (1 + sign * within) / 2)
        rows.append((sign * _at(sizes, count, within) + side) / 2 if sign else np.zeros(len(count)))
    return np.array(rows)


def _at(ordered: Array, count: Array, share: float) -> Array:
    """The value below which this share of the first `count` lies, between neighbours in proportion."""
    place = np.clip(share * (count + 1) - 1, 0, np.maximum(count - 1, 0))
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    steps = np.arange(ordered.shape[1])
    between: Array = ordered[low, steps] + (place - low) * (ordered[high, steps] - ordered[low, steps])
    return between

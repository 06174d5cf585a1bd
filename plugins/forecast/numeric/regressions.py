"""Models that are fitted to the series by least squares, with a penalty that keeps them small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from collector_plugins.forecast.numeric.frame import Array, Frame, Places

GROUPS_OF_HOURS = 8
FEATURES = 6
PENALTY = 10.0


def corrected(frame: Frame, model: Callable[[Frame], Array]) -> Array:
    """What a model says, and what its last errors say about its next: a regression for each part of each day ahead."""
    first = frame.days_a_week + 2
    rows = np.arange(min(first, int(frame.rows.min())), len(frame.table) + 1)
    said = model(frame.with_rows(rows, frame.days * frame.day)).reshape(len(rows), frame.days, frame.day)
    errors = _errors(frame, rows, said)
    features = _features(errors[:, 0])
    coefficients = _coefficients(frame, rows, errors, features)
    place = frame.rows - rows[0]
    correction = np.einsum("edgp,ehp->edgh", coefficients, features[place])
    group = _group_of(frame.day)
    hours = np.arange(frame.day)
    paths: Array = said[place] + correction[:, :, group, hours]
    return paths.reshape(len(place), -1)[:, : frame.horizon]


def _errors(frame: Frame, rows: Places, said: Array) -> Array:
    """Of each row's forecast on each day ahead; NaN where the day has not come."""
    table = np.vstack([frame.table, np.full((frame.days, frame.day), np.nan)])
    errors: Array = table[rows[:, None] + np.arange(frame.days)] - said
    return errors


def _features(next_day: Array) -> Array:
    """What is known at the start of each row of the errors so far, for each hour of the day."""
    before = np.vstack([np.zeros_like(next_day[:1]), next_day[:-1]])
    hours = before.shape[1]
    sums = np.cumsum(before.mean(axis=1))
    week = (sums - np.concatenate([np.zeros(min(7, len(sums))), sums[:-7]])[: len(sums)]) / np.minimum(
        np.arange(len(sums)) + 1, 7
    )
    flat = (before.mean(axis=1), before[:, -max(1, hours // 8) :].mean(axis=1), before[:, -1], week)
    same = (before, np.vstack([np.zeros_like(before[:1]), before[:-1]]))
    return np.stack([*same, *(np.repeat(each[:, None], hours, axis=1) for each in flat)], axis=2)


def _coefficients(frame: Frame, rows: Places, errors: Array, features: Array) -> Array:
    """For each end, day ahead and part of the day, from the errors that were known by then."""
    starts = np.searchsorted(_group_of(frame.day), np.arange(int(_group_of(frame.day)[-1]) + 1))
    known: NDArray[np.bool_] = np.all(np.isfinite(errors), axis=2)
    target = np.where(known[:, :, None], errors, 0.0)
    each = features[:, :, :, None] * features[:, :, None, :]
    squares = np.add.reduceat(each, starts, axis=1)[:, None] * known[:, :, None, None, None]
    products = np.add.reduceat(features[:, None] * target[..., None], starts, axis=2)
    ends = np.maximum((frame.rows - rows[0])[:, None] - np.arange(frame.days), 0)
    ahead = np.arange(frame.days)
    gram = _sums_before(squares)[ends, ahead]
    wanted = _sums_before(products)[ends, ahead]
    size = float(np.nanvar(errors[:, 0])) if np.isfinite(errors[:, 0]).any() else 0.0
    gram = gram + (PENALTY * size + 1e-300) * np.eye(FEATURES)
    found: Array = np.linalg.solve(gram, wanted[..., None])[..., 0]
    return found


def _sums_before(each: Array) -> Array:
    return np.concatenate([np.zeros_like(each[:1]), np.cumsum(each, axis=0)])


def _group_of(day: int) -> Places:
    return np.arange(day) * min(GROUPS_OF_HOURS, day) // day


def autoregression(frame: Frame) -> Array:
    """The next value from those before it, a day and a week ago, and the time of the day; over and over."""
    mean, size = float(frame.values.mean()), float(frame.values.std())
    if not size > 0:
        return np.repeat(frame.values[frame.ends - 1][:, None], frame.horizon, axis=1)
    values, lags = (frame.values - mean) / size, _lags(frame)
    longest, count = int(lags.max()), len(lags)
    weights = _autoregressive_weights(frame, values, lags)
    ahead = frame.ends[:, None] + np.arange(frame.horizon)
    drive = np.einsum("ep,ehp->eh", weights[:, count:], _waves(frame, ahead))
    path = np.empty((len(frame.ends), longest + frame.horizon))
    path[:, :longest] = values[(frame.ends - longest)[:, None] + np.arange(longest)]
    limit = 3 * float(np.abs(values).max())
    for step in range(frame.horizon):
        coming = (path[:, longest + step - lags] * weights[:, :count]).sum(axis=1) + drive[:, step]
        path[:, longest + step] = np.clip(coming, -limit, limit)
    return path[:, longest:] * size + mean


def _lags(frame: Frame) -> Places:
    day, week = (frame.day, frame.week) if frame.of_days else (1, 1)
    lags = {1, 2, 3, 4, day - 1, day, day + 1, 2 * day, week - day, week - 1, week, week + 1, week + day, 2 * week}
    return np.array(sorted(lag for lag in lags if 0 < lag <= max(1, int(frame.ends.min()) // 2)))


def _waves(frame: Frame, times: Places) -> Array:
    """Sines and cosines of the day and the week, and a constant."""
    waves = [np.ones(times.shape)]
    if not frame.of_days:
        return np.stack(waves, axis=-1)
    for period, highest in ((frame.day, 4), (frame.week, 3 if frame.week > frame.day else 0)):
        for number in range(1, highest + 1):
            angle = 2 * np.pi * number * times / period
            waves += [np.sin(angle), np.cos(angle)]
    return np.stack(waves, axis=-1)


def _autoregressive_weights(frame: Frame, values: Array, lags: Places) -> Array:
    longest = int(lags.max())
    times = np.arange(longest, len(values))
    known = np.hstack([values[times[:, None] - lags], _waves(frame, times)])
    gram, wanted = 3.0 * np.eye(known.shape[1]), np.zeros(known.shape[1])
    weights = np.empty((len(frame.ends), known.shape[1]))
    done = 0
    for place in np.argsort(frame.ends):
        end = int(frame.ends[place]) - longest
        gram = gram + known[done:end].T @ known[done:end]
        wanted = wanted + known[done:end].T @ values[longest:][done:end]
        weights[place] = np.linalg.solve(gram, wanted)
        done = end
    return weights

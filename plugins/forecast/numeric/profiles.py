"""Models that repeat what is usual at this time of the day and of the week."""

from __future__ import annotations

import numpy as np

from collector_plugins.forecast.numeric.frame import Array, Frame

LONGEST_MEMORY = 10


def last_value(frame: Frame) -> Array:
    """The last value stays."""
    return np.repeat(frame.values[frame.ends - 1][:, None], frame.horizon, axis=1)


def last_day(frame: Frame) -> Array:
    """As yesterday."""
    return frame.repeated(frame.before(frame.day, 1)[0][:, 0])


def last_week(frame: Frame) -> Array:
    """As on the same weekday a week ago."""
    return frame.repeated(frame.before(frame.week, 1)[0][:, 0])


def median_of_weeks(frame: Frame) -> Array:
    """The median of the last four same weekdays."""
    return _median(frame, frame.week, 4)


def median_of_days(frame: Frame) -> Array:
    """The median of the last fourteen days."""
    return _median(frame, frame.day, 14)


def mean_of_days(frame: Frame) -> Array:
    """The mean of the last days, all hours alike."""
    days, known = frame.before(frame.day, 7)
    mean = (days.mean(axis=2) * known).sum(axis=1) / known.sum(axis=1)
    return np.repeat(mean[:, None], frame.horizon, axis=1)


def profile(frame: Frame, decay: float) -> Array:
    """The mean week before each end, where each week counts `decay` of the one after it."""
    weeks, known = frame.before(frame.week, LONGEST_MEMORY)
    weights = decay ** np.arange(LONGEST_MEMORY) * known
    weights /= weights.sum(axis=1, keepdims=True)
    mean: Array = np.einsum("ej,ejp->ep", weights, weeks)
    return mean


def weighted_week(frame: Frame, decay: float = 0.75, damping: float = 0.9) -> Array:
    """The weighted mean week, on the level of the last day, which is forgotten by and by."""
    week = profile(frame, decay)
    last, _ = frame.before(frame.day, 1)
    shift = (last[:, 0] - week[:, -frame.day :]).mean(axis=1)
    fading = damping ** (np.arange(frame.horizon) / frame.day + 0.5)
    path: Array = frame.repeated(week) + shift[:, None] * fading
    return path


def slow_week(frame: Frame) -> Array:
    """The same with a longer memory, and a level that is forgotten sooner."""
    return weighted_week(frame, decay=0.9, damping=0.6)


def moved_week(frame: Frame) -> Array:
    """The weighted mean week, moved so that it goes through the last value."""
    week = profile(frame, 0.75)
    return frame.repeated(week) + (frame.values[frame.ends - 1] - week[:, -1])[:, None]


def shares_of_best(frame: Frame) -> Array:
    """For sun and opening hours: the usual share of this hour's best in two weeks, moved by how good the days are."""
    table, lowest = frame.table - frame.values.min(), frame.values.min()
    paths = [_shares(table[:row], frame.days) for row in frame.rows]
    found: Array = np.array(paths)[:, : frame.horizon] + lowest
    return found


def _shares(table: Array, days: int) -> Array:
    best = np.array(
        [table[max(0, row - 15) : max(row, 1)].max(axis=0) for row in range(max(1, len(table) - 28), len(table) + 1)]
    )
    seen = table[-len(best) + 1 :]
    shares = np.clip(seen / np.maximum(best[:-1], 1e-9 * best.max() + 1e-300), 0.0, 1.3)
    of_day = np.clip(seen.sum(axis=1) / np.maximum(best[:-1].sum(axis=1), 1e-9 * best.max() + 1e-300), 0.0, 2.0)
    off = of_day - of_day.mean()
    memory = np.clip((off[1:] @ off[:-1]) / max(off @ off, 1e-300), 0.0, 0.9)
    coming = memory ** np.arange(1, days + 1) * off[-1]
    path: Array = best[-1] * np.clip(np.median(shares, axis=0) + coming[:, None], 0.0, 1.1)
    return path.reshape(-1)


def _median(frame: Frame, period: int, count: int) -> Array:
    """Over those of the last `count` periods that the series has: absent ones lie at the ends of the order in pairs."""
    values, known = frame.before(period, count)
    values = np.where(known[:, :, None], values, np.inf)
    values.sort(axis=1)
    number, ends = known.sum(axis=1), np.arange(len(known))
    middle = (values[ends, (number - 1) // 2] + values[ends, number // 2]) / 2
    return frame.repeated(middle)

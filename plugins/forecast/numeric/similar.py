"""Models for what has states: jobs, outages, days off. They look up what followed when the last hours were alike."""

from __future__ import annotations

import numpy as np

from collector_plugins.forecast.numeric import profiles
from collector_plugins.forecast.numeric.frame import Array, Frame, Places

MOST_WEEKS = 8
NEIGHBOURS = 50
SPANS = {1 / 24: 1.5, 1 / 8: 1.2, 1 / 3: 1.0, 1.0: 0.7}
"""Shares of a day of which the means are compared, and what a difference between them counts."""
FEWEST_DAYS = 8
DAYS_ALIKE = 25
LAST = (1 / 24, 1 / 12, 1 / 6)
"""Shares of a day before the end of which the means are compared with those before the same time of other days."""
PER_HOUR = 0.2


def similar_hours(frame: Frame) -> Array:
    """The usual week, and for a day what was added to it, by the median, when a day had begun like this one."""
    return np.array([_path(frame, int(end)) for end in frame.ends])


def _path(frame: Frame, end: int) -> Array:
    period = frame.week if end >= 2 * frame.week else frame.day
    count = min(MOST_WEEKS * frame.week // period, end // period)
    table = frame.values[end - count * period : end].reshape(count, period)
    usual = np.median(table, axis=0)
    path = np.resize(usual, frame.horizon)
    added = _what_followed((table - usual).ravel(), frame.day)
    steps = min(frame.day, frame.horizon)
    path[:steps] += added[:steps]
    return path


def _what_followed(unusual: Array, day: int) -> Array:
    """The median of the days after the places that were most like the end; 0 where there are too few."""
    places = np.arange(day, len(unusual) + 1)
    if len(places) <= 2 * day:
        return np.zeros(day)
    sums = np.concatenate([[0.0], np.cumsum(unusual)])
    distances = np.zeros(len(places) - day)
    for share, weight in SPANS.items():
        span = max(1, round(share * day))
        means = (sums[places] - sums[places - span]) / span
        distances += weight * np.abs(means[:-day] - means[-1])
    nearest = np.argsort(distances, kind="stable")[:NEIGHBOURS]
    days = unusual[places[nearest][:, None] + np.arange(day)]
    found: Array = np.median(days, axis=0)
    return found


def similar_days(frame: Frame) -> Array:
    """At each step of the next day the median of what followed at this time of the days that had been like this one;
    then that of the last two weeks.
    """
    sums = np.concatenate([[0.0], np.cumsum(frame.values)])
    size = float(frame.values.std()) or 1.0
    found = profiles.median_of_days(frame)
    steps = min(frame.day, frame.horizon)
    for path, end in zip(found, frame.ends, strict=True):
        places = _same_time(int(end), frame.day)
        if len(places) >= FEWEST_DAYS:
            nearest = np.argsort(_unlike(places, int(end), sums / size, frame.day), kind="stable")[:DAYS_ALIKE]
            path[:steps] = np.median(frame.values[places[nearest][:, None] + np.arange(steps)], axis=0)
    return found


def _same_time(end: int, day: int) -> Places:
    """Places as far into a day as the end, give or take an hour, a whole day after the start and before the end."""
    hour = round(day / 24)
    around = end - day * np.arange(1, end // day)[:, None] + np.arange(-hour, hour + 1)
    return around[(around >= day) & (around <= end - day)]


def _unlike(places: Places, end: int, sums: Array, day: int) -> Array:
    """How far the last hours before each place are from those before the end, and the clock from that of the end."""
    off = np.abs((places - end + day // 2) % day - day // 2)
    distances = PER_HOUR * 24 / day * off
    for share in LAST:
        span = max(1, round(share * day))
        before = (sums[places] - sums[places - span]) / span
        distances = distances + np.abs(before - (sums[end] - sums[end - span]) / span)
    unlike: Array = distances
    return unlike

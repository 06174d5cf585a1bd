"""A model for what has states: jobs, outages, days off. It looks up what followed when the last hours were alike."""

from __future__ import annotations

import numpy as np

from collector_plugins.forecast.numeric.frame import Array, Frame

MOST_WEEKS = 8
NEIGHBOURS = 50
SPANS = {1 / 24: 1.5, 1 / 8: 1.2, 1 / 3: 1.0, 1.0: 0.7}
"""Shares of a day of which the means are compared, and what a difference between them counts."""


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

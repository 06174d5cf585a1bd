"""A model in four parts that learn at their own speeds: level, weekday, shape of the day, shape of the weekday."""

from __future__ import annotations

import numpy as np

from collector_plugins.forecast.numeric.frame import Array, Frame

SHAPE_MEMORY = 0.85
WEEKDAY_RATE = 0.25
LONG_RATE = 0.08
DAMPING = 0.9


def shaped_days(frame: Frame) -> Array:
    """Level and shape of the last days, with what the weekday adds; the level goes back to the usual one by and by."""
    learner = _Parts(frame)
    paths = {}
    for row in range(len(frame.table)):
        learner.learn(row)
        paths[row + 1] = learner.path(row + 1)
    return np.array([paths[row] for row in frame.rows])[:, : frame.horizon]


class _Parts:
    def __init__(self, frame: Frame) -> None:
        self._week, self._days = frame.days_a_week, frame.days
        self._levels = frame.table.mean(axis=1)
        self._shapes = frame.table - self._levels[:, None]
        start = slice(0, self._week)
        self._shape: Array = self._shapes[start].mean(axis=0)
        self._usual = self._level = float(self._levels[start].mean())
        self._seen = np.zeros(self._week)
        self._weekday_level = np.zeros(self._week)
        self._weekday_shape = np.zeros((self._week, frame.day))

    def learn(self, row: int) -> None:
        """Take up the next day."""
        weekday, shape, level = row % self._week, self._shapes[row], self._levels[row]
        if self._week > 1:
            rate = max(1 / (min(self._seen[weekday], 3) + 1), WEEKDAY_RATE)
            self._weekday_level[weekday] += rate * (level - self._usual - self._weekday_level[weekday])
            rate = max(rate / 2, WEEKDAY_RATE)
            self._weekday_shape[weekday] += rate * (shape - self._shape - self._weekday_shape[weekday])
        self._seen[weekday] += 1
        self._shape = SHAPE_MEMORY * self._shape + (1 - SHAPE_MEMORY) * shape
        level -= self._weekday_level[weekday]
        self._usual += LONG_RATE * (level - self._usual)
        self._level = (level + self._level) / 2 if row > self._week else float(self._levels[: row + 1].mean())

    def path(self, row: int) -> Array:
        """The days from this row on."""
        ahead = np.arange(self._days)
        weekday = (row + ahead) % self._week
        level = self._usual + (self._level - self._usual) * DAMPING ** (ahead + 1)
        days = (level + self._weekday_level[weekday])[:, None] + self._shape + self._weekday_shape[weekday]
        path: Array = days.reshape(-1)
        return path

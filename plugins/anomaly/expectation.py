"""What a row should be: a slow level and the usual of this hour, with a robust scale."""

from __future__ import annotations

from collector_plugins.anomaly.season import DAY, WEEK, Season

RATE = 0.002  # of level and scale, per row
CLIP = 4.0  # scales: what lies farther off teaches as if it lay there
WINDOW = 12  # rows over which deviations are averaged
FIRST_ROWS = 20  # teach unclipped
FARTHEST = 50.0  # scales that one row counts


class Expectation:
    """Follows a series; `size` is the last row's distance from what was expected, in scales."""

    __slots__ = ("_day", "_level", "_recent", "_rows", "_scale", "_week", "size")

    def __init__(self) -> None:
        self._day = Season(DAY, 24)
        self._week = Season(WEEK, 168)
        self._level = 0.0
        self._scale = 0.0
        self._rows = 0
        self._recent: list[float] = []
        self.size: float | None = None

    def of(self, when: float) -> float | None:
        """The value to expect at a moment; None before the first row."""
        return self._level + self._usual(when) if self._rows else None

    def _usual(self, when: float) -> float:
        hour = self._week.at(when)
        return self._week.usual(hour) if self._week.visits(hour) > 1 else self._day.usual(self._day.at(when))

    def learn(self, value: float, when: float) -> float:
        """Take a row in; returns the mean distance of the last rows in scales."""
        if not self._rows:
            self._level = value
        usual = self._usual(when)
        distance = value - self._level - usual
        scale = max(self._scale, 1e-9 + 1e-4 * abs(self._level))
        self.size = distance / scale if self._rows > 5 else None
        if self._rows > FIRST_ROWS:
            distance = min(max(distance, -CLIP * scale), CLIP * scale)
        self._rows += 1
        rate = max(1 / self._rows, RATE)
        self._level += rate * distance
        self._scale += rate * (abs(distance) - self._scale)
        self._day.learn(self._day.at(when), distance + usual)
        self._week.learn(self._week.at(when), distance + usual)
        self._recent.append(min(max(self.size or 0.0, -FARTHEST), FARTHEST))
        if len(self._recent) > WINDOW:
            del self._recent[0]
        return sum(self._recent) / WINDOW

    def state(self) -> list[float]:
        """What it knows."""
        return [self._rows, self._level, self._scale, *self._recent]

"""What a row should be: a slow level plus the usual of this hour, with a robust scale."""

from __future__ import annotations

from collector_plugins.anomaly.detector.seasonal_profile import DAY, WEEK, SeasonalProfile

LEVEL_RATE = 0.002  # per row
SCALE_RATE = 1e-4  # per row
CLIP = 10.0  # scales: a row farther off teaches level and scale as if it were this far off
SEASON_CLIP = 100.0  # the same for the season, which learns once per visit
WIDENING = 1.01  # of the scale per clipped row, so that a series that has changed for good is followed
FIRST_ROWS = 20  # teach unclipped
HOURS = 24  # bins of a day
WEEKS = 2  # visits after which an hour of the week is trusted more than the hour of the day
LEAST_SCALE = 1e-4  # of the level: a nearly constant series has no deviations


class Expectation:
    """Follows a series: `expected` before a row; `distance` and `size` (in scales, None at the start) after it."""

    __slots__ = ("_day", "_rows", "_week", "distance", "expected", "least", "level", "scale", "size")

    def __init__(self) -> None:
        self._day = SeasonalProfile(DAY, HOURS)
        self._week = SeasonalProfile(WEEK, 7 * HOURS)
        self._rows = 0
        self.scale = 0.0
        self.level = 0.0
        self.least = 0.0
        self.distance = 0.0
        self.expected: float | None = None
        self.size: float | None = None

    def learn(self, value: float, when: float) -> None:
        """Compare a row with what it should have been, then learn it; `when` is the time of its season."""
        day, week = self._day, self._week
        hour_of_week = week.bin_at(when)
        hour = hour_of_week % HOURS
        known = week.visits(hour_of_week) >= WEEKS
        usual = week.mean(hour_of_week) if known else day.mean(hour)
        self._compare(value, usual)
        self._rows += 1
        share = 1 / self._rows
        taught = seasonal = self.distance
        if self.size is not None and not -CLIP <= self.size <= CLIP:
            taught, seasonal = self._clipped(CLIP), self._clipped(SEASON_CLIP)
            self.scale = max(self.scale, self.least) * WIDENING
        else:
            self.scale += max(share, SCALE_RATE) * (abs(taught) - self.scale)
        self.level += max(share, LEVEL_RATE) * taught
        day.learn(hour, seasonal + usual)
        week.learn(hour_of_week, seasonal + usual)

    def _compare(self, value: float, usual: float) -> None:
        if not self._rows:
            self.level = value
        self.expected = self.level + usual if self._rows else None
        self.least = LEAST_SCALE * abs(self.level) + 1e-9
        self.distance = value - self.level - usual
        self.size = self.distance / max(self.scale, self.least) if self._rows >= FIRST_ROWS else None

    def _clipped(self, scales: float) -> float:
        farthest = scales * max(self.scale, self.least)
        return min(max(self.distance, -farthest), farthest)

    def shift_seasons(self, hours: int) -> None:
        """Count hours from elsewhere on: what was learnt at one counts for the one so many hours later."""
        self._day.shift(hours)
        self._week.shift(hours)

    def state(self) -> dict[str, list[float]]:
        """What `restore` takes."""
        return {
            "level": [self._rows, self.level, self.scale],
            "day": self._day.state(),
            "week": self._week.state(),
        }

    def restore(self, state: dict[str, list[float]]) -> None:
        """Continue from `state`; raises `ValueError` or `KeyError` if it has another shape."""
        rows, self.level, self.scale = state["level"]
        self._rows = int(rows)
        self._day.restore(state["day"])
        self._week.restore(state["week"])
        if self._rows < 0 or self.scale < 0:
            raise ValueError("a negative number of rows or scale")

"""What a row should be: a slow level plus the usual of this hour, with a robust scale."""

from __future__ import annotations

from math import inf

from collector_plugins.anomaly.detector.seasonal_profile import DAY, WEEK, SeasonalProfile

LEVEL_RATE = 0.002  # per row
SCALE_RATE = 1e-4  # per row
CLIP = 10.0  # scales: a row farther off teaches level and scale as if it were this far off
SEASON_CLIP = 100.0  # the same for the season, which learns once per visit
WIDENING = 1.01  # of the scale per clipped row, so that a series that has changed for good is followed
FIRST_ROWS = 20  # teach unclipped
HOUR = 3600.0
HOURS = 24  # bins of a day
HOURS_OF_WEEK = 7 * HOURS
LEAST_SPREAD = 0.1  # of the scale: an hour with next to no deviations
MOST_RELATIVE = 50.0
WEEKS = 2  # visits after which an hour of the week is trusted more than the hour of the day
LEAST_SCALE = 1e-4  # of the level: a nearly constant series has no deviations


class Expectation:
    """Follows a series: `expected` before a row; `distance` and `size` (in scales, None at the start) after it.

    `relative` is the distance in those that are usual at this hour: what is much by night may be little by day.
    """

    __slots__ = (
        "_day", "_hour_begins", "_hour_ends", "_hour_of_week", "_rows", "_spread", "_usual", "_usual_spread",
        "_visit_rows", "_visit_spread", "_visit_sum", "_week", "distance", "expected", "least", "level", "relative",
        "scale", "size",
    )  # fmt: skip

    def __init__(self) -> None:
        self._day = SeasonalProfile(DAY, HOURS)
        self._week = SeasonalProfile(WEEK, HOURS_OF_WEEK)
        self._spread = SeasonalProfile(DAY, HOURS)
        self._hour_of_week = -1
        self._hour_begins = self._hour_ends = inf
        self._usual = 0.0
        self._usual_spread = 0.0
        self._visit_sum = self._visit_spread = 0.0
        self._visit_rows = 0
        self._rows = 0
        self.relative = 0.0
        self.scale = 0.0
        self.level = 0.0
        self.least = 0.0
        self.distance = 0.0
        self.expected: float | None = None
        self.size: float | None = None

    def learn(self, value: float, when: float) -> None:
        """Compare a row with what it should have been, then learn it; `when` is the time of its season."""
        if not self._hour_begins <= when < self._hour_ends:
            self._follow_hours(when)
        self._compare(value)
        self._rows += 1
        share = 1 / self._rows
        size = self.size
        taught = seasonal = self.distance
        if size is None or -CLIP <= size <= CLIP:
            self.scale += (share if share > SCALE_RATE else SCALE_RATE) * (abs(taught) - self.scale)
        else:
            taught, seasonal = self._clipped(CLIP), self._clipped(SEASON_CLIP)
            self.scale = max(self.scale, self.least) * WIDENING
        self.level += (share if share > LEVEL_RATE else LEVEL_RATE) * taught
        self._visit_sum += seasonal + self._usual
        self._visit_spread += abs(taught)
        self._visit_rows += 1
        self.relative = self._relative()

    def _follow_hours(self, when: float) -> None:
        self._hour_begins = when // HOUR * HOUR
        self._hour_ends = self._hour_begins + HOUR
        hour_of_week = self._week.bin_at(when)
        if hour_of_week != self._hour_of_week:
            self._end_hour()
            self._enter_hour(hour_of_week)

    def _enter_hour(self, hour_of_week: int) -> None:
        """What is usual at an hour stays so as long as it lasts."""
        hour = hour_of_week % HOURS
        known = self._week.visits(hour_of_week) >= WEEKS
        self._usual = self._week.mean(hour_of_week) if known else self._day.mean(hour)
        self._usual_spread = self._spread.mean(hour)
        self._hour_of_week = hour_of_week

    def _end_hour(self) -> None:
        """Learn the hour that is over."""
        rows = self._visit_rows
        if rows:
            hour = self._hour_of_week % HOURS
            self._day.learn_visit(hour, self._visit_sum / rows)
            self._week.learn_visit(self._hour_of_week, self._visit_sum / rows)
            self._spread.learn_visit(hour, self._visit_spread / rows)
        self._visit_sum = self._visit_spread = 0.0
        self._visit_rows = 0

    def _compare(self, value: float) -> None:
        usual, rows = self._usual, self._rows
        if not rows:
            self.level = value
        level = self.level
        self.expected = level + usual if rows else None
        self.least = least = LEAST_SCALE * abs(level) + 1e-9
        self.distance = distance = value - level - usual
        scale = self.scale
        self.size = distance / (scale if scale > least else least) if rows >= FIRST_ROWS else None

    def _relative(self) -> float:
        scale = self.scale
        spread = self._usual_spread or scale
        if spread < LEAST_SPREAD * scale:
            spread = LEAST_SPREAD * scale
        relative = self.distance / (spread if spread > self.least else self.least)
        if -MOST_RELATIVE <= relative <= MOST_RELATIVE:
            return relative
        return MOST_RELATIVE if relative > 0 else -MOST_RELATIVE

    def _clipped(self, scales: float) -> float:
        farthest = scales * max(self.scale, self.least)
        return min(max(self.distance, -farthest), farthest)

    def shift_seasons(self, hours: int) -> None:
        """Count hours from elsewhere on: what was learnt at one counts for the one so many hours later."""
        self._day.shift(hours)
        self._week.shift(hours)
        self._spread.shift(hours)
        self._hour_begins = self._hour_ends = inf
        if self._hour_of_week >= 0:
            self._hour_of_week = (self._hour_of_week + hours) % HOURS_OF_WEEK

    def state(self) -> dict[str, list[float]]:
        """What `restore` takes."""
        return {
            "level": [self._rows, self.level, self.scale],
            "day": self._day.state(),
            "week": self._week.state(),
            "spread": self._spread.state(),
            "visit": [self._hour_of_week, self._visit_sum, self._visit_spread, self._visit_rows],
        }

    def restore(self, state: dict[str, list[float]]) -> None:
        """Continue from `state`; raises `ValueError` or `KeyError` if it has another shape."""
        rows, self.level, self.scale = state["level"]
        self._rows = int(rows)
        self._day.restore(state["day"])
        self._week.restore(state["week"])
        if "spread" in state:  # unknown to earlier releases
            self._spread.restore(state["spread"])
            self._restore_visit(state["visit"])
        if self._rows < 0 or self.scale < 0:
            raise ValueError("a negative number of rows or scale")

    def _restore_visit(self, state: list[float]) -> None:
        hour_of_week, self._visit_sum, self._visit_spread, rows = state
        self._visit_rows = int(rows)
        if not -1 <= int(hour_of_week) < HOURS_OF_WEEK or self._visit_rows < 0 or self._visit_spread < 0:
            raise ValueError("an hour of another shape")
        if hour_of_week >= 0:
            self._enter_hour(int(hour_of_week))

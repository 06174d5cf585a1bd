"""One watched series: its row in progress, what is known of it, and its last row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from collector_core import Series
from collector_plugins.anomaly.detector.value_rules import ZERO, ValueRules
from collector_plugins.anomaly.series.daily_extremes import DailyExtremes
from collector_plugins.anomaly.series.daily_trend import DailyTrend
from collector_plugins.anomaly.series.row_aggregates import CounterRate, GaugeMean, RowAggregate
from collector_plugins.anomaly.state_checks import is_finite

if TYPE_CHECKING:
    from collector_plugins.anomaly.detector import Detector, Verdict

MISSING_ROWS = 5  # without a reading, while its collector runs, beyond what it was without one before:
MISSING_FACTOR = 5  # so many times as long as ever before, or a day longer
MISSED_FADING = 0.5 ** (1 / 20_000)  # of that by row: two weeks of minutes halve it
DAY = 86_400.0
CLOCK_IS_SET = 1.6e9  # a clock that shows an earlier time, as after a start without a battery, is not set yet
STEADY_ROWS = 150  # a series with fewer rows than this is not missed
MAX_GAP_ROWS = 3.0  # the rate of a counter over a longer gap says nothing about a row
SHORTEST_MAX_GAP = 300.0  # seconds; collectors may be slower than rows


class WatchedSeries:
    """Takes the readings of one series and judges each row when it is closed.

    Of the last row: `value` (counters: per second) and `expected`, in the series' unit, and the detector's `verdict`;
    each None where there is none. `rows_known` is the number of rows with a value, `rows_missed` that of rows without
    a reading while its collector ran. `first_row_at` and `last_row_at` are in seconds since 1970.
    """

    __slots__ = (
        "_aggregate", "_has_reading", "_longest_missed", "component", "detector", "expected", "extremes",
        "first_row_at", "key", "last_row_at", "row_seconds", "rows_known", "rows_missed", "rules", "series", "trend",
        "value", "verdict",
    )  # fmt: skip

    def __init__(self, series: Series, component: str, detector: Detector, row_seconds: float, when: float) -> None:
        self.series = series
        self.component = component
        self.key = series.text, component
        self.detector = detector
        self.rules = ValueRules(row_seconds)
        self.extremes = DailyExtremes()
        self.trend = DailyTrend(row_seconds)
        self.row_seconds = row_seconds
        self.first_row_at = self.last_row_at = when
        self.rows_known = self.rows_missed = 0
        self._longest_missed = 0.0
        self.value: float | None = None
        self.expected: float | None = None
        self.verdict: Verdict | None = None
        self._has_reading = False
        self._aggregate: RowAggregate = GaugeMean()
        if self.is_counter:
            self._aggregate = CounterRate(max(SHORTEST_MAX_GAP, MAX_GAP_ROWS * row_seconds))

    @property
    def is_counter(self) -> bool:
        """Whether its rows are rates per second."""
        return self.series.kind == "counter"

    @property
    def is_warming_up(self) -> bool:
        """Whether its last row could not be judged."""
        return self.verdict is None or self.verdict.warming_up

    @property
    def is_missing(self) -> bool:
        """Whether it has had no readings for far longer than ever before, although its collector runs."""
        longest = self._longest_missed
        usual = min(MISSING_FACTOR * longest, longest + DAY / self.row_seconds)
        return self.rows_missed >= MISSING_ROWS + usual and self.rows_known >= STEADY_ROWS

    @property
    def size(self) -> float:
        """The signed distance of the last row from its expectation, in robust scales; 0 where that is unknown."""
        return (self.verdict.size or 0.0) if self.verdict else 0.0

    def add_reading(self, value: float, at: float) -> None:
        """Add one reading, taken at monotonic seconds."""
        self._has_reading = True
        self._aggregate.add_reading(value, at)

    def discard_row(self) -> None:
        """Drop the row in progress: there was a gap."""
        self._aggregate.discard_row()
        self._has_reading = False
        self.rows_missed = 0

    def close_row(self, when: float, *, collector_ran: bool) -> None:
        """Judge the row that ends at `when`, in seconds since 1970.

        `collector_ran` says whether its collector had a successful run within the row. A row whose mean is beyond the
        range of floating-point numbers has no value.
        """
        value = self._aggregate.close_row()
        self.value = value if is_finite(value) else None
        if self._has_reading:
            self._longest_missed = max(self._longest_missed * MISSED_FADING, self.rows_missed)
            self.rows_missed = 0
        else:
            self.rows_missed += collector_ran
        self._has_reading = False
        if self.value is None:
            self.verdict = None
            return
        step = when - self.last_row_at
        if not 0 <= step <= DAY:  # a clock that is set, and days unseen, are no days of watching
            self.first_row_at += step
        self.last_row_at = when
        self.rows_known += 1
        self.verdict = self.detector.update(self.value, when)
        self.expected = self.verdict.expected
        self.rules.update(self.value)

    def learn(self, rows: Iterable[tuple[float, float]]) -> None:
        """Learn rows of the past, `(when, value)` with the oldest first, before it was watched; none is an anomaly.

        `when` is in seconds since 1970; `value` is what a row of this length has: the mean of a gauge, the rate of a
        counter per second. Rows that are not later than the last one known are left out.
        """
        learnt = []
        for when, value in rows:
            if not is_finite(value) or (self.rows_known and when <= self.last_row_at):
                continue
            if not self.rows_known:
                self.first_row_at = when
            self.last_row_at = when
            self.rows_known += 1
            self.rules.update(value)
            self.extremes.add(value, when)
            self.trend.add(value, when)
            learnt.append((when, value))
        self.detector.learn(learnt)

    @property
    def is_drifting(self) -> bool:
        """Whether its days have moved steadily in one direction."""
        return self.trend.drift is not None and self.value is not None and not self.rules.is_sparse

    def begins_anomaly(self) -> bool:
        """Whether the detector sees an anomaly begin that is worth reporting."""
        verdict = self.verdict
        return verdict is not None and verdict.onset and not verdict.warming_up and not self.rules.is_sparse

    def anomaly_type(self) -> str:
        """The type of an anomaly that begins: the detector's cause, unless it is a 0 where there never is one."""
        if self.value is not None and self.rules.is_new_zero(self.value):
            return ZERO
        return (self.verdict.cause if self.verdict else "") or "level"

    def record_day(self, when: float) -> None:
        """Let the last row count in its day, once the clock is set: among the extremes, and for the trend over days."""
        if self.value is not None and when >= CLOCK_IS_SET:
            self.extremes.add(self.value, when)
            self.trend.add(self.value, when)

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {
            "first": self.first_row_at,
            "seen": self.last_row_at,
            "told": self.rows_known,
            "missed": self._longest_missed,
            "detector": self.detector.state(),
            "rules": self.rules.state(),
            "extremes": self.extremes.state(),
            "trend": self.trend.state(),
        }

    def restore(self, state: dict[str, Any], detector: Detector) -> None:
        """Continue from `state`, with the detector restored from it; raises `ValueError` if it is damaged."""
        first, seen, rows_known, rules = (state.get(name) for name in ("first", "seen", "told", "rules"))
        missed = state.get("missed", 0.0)  # unknown to earlier releases
        if not (is_finite(first) and is_finite(missed) and type(rows_known) is int and isinstance(rules, dict)):
            raise ValueError("the state of a series is damaged")
        restored_rules, restored_extremes = ValueRules(self.row_seconds), DailyExtremes()
        restored_rules.restore(rules)
        restored_extremes.restore(state.get("extremes"))
        restored_trend = DailyTrend(self.row_seconds)
        if "trend" in state:  # unknown to earlier releases
            restored_trend.restore(state["trend"])
        self.rules, self.extremes, self.detector = restored_rules, restored_extremes, detector
        self.trend = restored_trend
        self.first_row_at, self.rows_known, self._longest_missed = first, rows_known, missed
        if is_finite(seen):
            self.first_row_at -= max(0.0, seen - self.last_row_at)  # the clock was ahead
            self.last_row_at = min(seen, self.last_row_at)

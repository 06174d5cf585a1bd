"""Judges the rows of one series, from its own past alone and one row at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from collector_plugins.anomaly.detector.alarm_gate import AlarmGate
from collector_plugins.anomaly.detector.calendar import Calendar
from collector_plugins.anomaly.detector.distribution_memory import DistributionMemory
from collector_plugins.anomaly.detector.expectation import Expectation
from collector_plugins.anomaly.detector.large_rows import LARGE, LargeRows
from collector_plugins.anomaly.detector.level_shifts import LevelShifts
from collector_plugins.anomaly.detector.movements import Movements
from collector_plugins.anomaly.detector.rarity import RarityHistogram
from collector_plugins.anomaly.detector.rolling_means import LENGTHS, RollingMeans
from collector_plugins.anomaly.detector.value_ranges import RangeKind, ValueRanges
from collector_plugins.anomaly.state_checks import check_saved_state

VERSION = 1
CHOSEN_LEVEL = 0.8  # in the middle of the levels that do well on NAB; 0.85 is best on the half tuned on
FLEET_LEVEL = 1.5  # hardly a false alarm a month on quiet one-minute rows, with:
FLEET_TOLERANCE = 0.1  # widths of a range; costs little of what is found, and most of what noise does
FLEET_FORGETTING = 3e-6  # as slow as for values: series with long tails repeat what shorter memories forget
MAX_MAGNITUDE = 1e150  # larger values are clipped to it, so that no sum or difference overflows
VALUE = RangeKind(2.0, 3e-6)
MEAN_DISTANCES = (RangeKind(0.5, 1e-4),) * len(LENGTHS)  # of each mean distance from what was expected
SHIFTS = (RangeKind(1.0, 3e-6), RangeKind(0.3, 1e-4), RangeKind(0.3, 3e-4))  # of each kind of shift
STEP = RangeKind(1.0, 3e-6)  # from one row to the next
RELATIVE_MEANS = (RangeKind(0.5, 1e-4, 0.5), RangeKind(0.25, 1e-4, 0.5))  # of the distance beside that of the hour
SHORT_RATE, LONG_RATE = 2 / 13, 2 / 49  # of them, over 12 and 48 rows
LIVELINESS = RangeKind(1.0, 1e-4, 0.3)
STANDSTILL = RangeKind(0.5, 1e-5, 0.5)
INHERITED = (VALUE, *MEAN_DISTANCES, *SHIFTS)  # what earlier releases followed
KINDS = (*INHERITED, *RELATIVE_MEANS, STEP, LIVELINESS, STANDSTILL)
RARITY_WEIGHT = 0.2  # of how rare the longest mean distance is
RARITY_FORGETTING = 5e-4
DISTRIBUTION_WEIGHT = 1.5
HOUR = 3600.0
DAY = 86_400.0
MONTH = 30 * DAY
USUAL = 0.03  # rows a month: what is due more often, in a series whose large rows come alone, is no event
RARE = 1.0  # row a month: what is due less often
RARE_FACTOR = 1.5  # counts so much more
SHRINK_ROWS = 16  # after which ranges forget
GAP_ROWS = 12  # usual distances between rows; a longer gap separates what comes before and after


@dataclass(frozen=True)
class Settings:
    """How a detector decides; the default suits a few chosen series, `FLEET` hundreds.

    level: what the opinions must add up to for an alarm; warm_up_rows, warm_up_seconds: no alarm before both have
    passed; hold_rows: an alarm raises the bar for the next one to its own level, and the bar halves every so many rows;
    tolerance: how far outside a range, in its widths, is no record yet; forgetting: the largest share of its width by
    which an end of a range moves inwards in a row; weighs_tails: whether a large row counts by how often the tail of
    its series has one as large.
    """

    level: float = CHOSEN_LEVEL
    warm_up_rows: int = 150
    warm_up_seconds: float = 12 * 3600
    hold_rows: float = 100
    tolerance: float = 0.0
    forgetting: float = 1.0
    weighs_tails: bool = False


CHOSEN = Settings()
FLEET = Settings(
    level=FLEET_LEVEL,
    warm_up_seconds=2 * DAY,
    tolerance=FLEET_TOLERANCE,
    forgetting=FLEET_FORGETTING,
    weighs_tails=True,
)


class Verdict:
    """What the detector makes of a row.

    score: 0 to 1, 0.5 at the alarm level; level: the sum of the opinions; onset: whether an alarm begins with this row;
    expected: what the value should have been, None for the first row; size: the signed distance from that, in robust
    scales, None until there is a scale; cause: the strongest opinion, 'level', 'record', 'distribution' or ''.
    """

    __slots__ = ("cause", "expected", "level", "onset", "score", "size", "warming_up")

    def __init__(self) -> None:
        self.score = 0.0
        self.level = 0.0
        self.onset = False
        self.expected: float | None = None
        self.size: float | None = None
        self.cause = ""
        self.warming_up = True


class Detector:
    """Watches one series; `row_seconds` is the usual distance between its rows, which it keeps learning.

    Hours and weekdays are those of `calendar`, by default UTC.
    """

    __slots__ = (
        "_calendar", "_distributions", "_expectation", "_first", "_gate", "_large", "_last", "_means", "_movements",
        "_ranges", "_rarity", "_relative_means", "_rows", "_shifts", "_spacing", "settings",
    )  # fmt: skip

    def __init__(
        self, settings: Settings = CHOSEN, *, row_seconds: float = 60, calendar: Calendar | None = None
    ) -> None:
        self.settings = settings
        self._calendar = calendar or Calendar()
        self._gate = AlarmGate(settings.hold_rows)
        self._spacing = float(row_seconds)
        self._rows = 0
        self._first = 0.0
        self._last = 0.0
        self._expectation = Expectation()
        self._large = LargeRows()
        self._means = RollingMeans()
        self._distributions = DistributionMemory()
        self._rarity = RarityHistogram(RARITY_FORGETTING)
        self._shifts = LevelShifts()
        self._relative_means = (0.0, 0.0)
        self._movements = Movements()
        self._ranges = ValueRanges(
            KINDS, tolerance=settings.tolerance, forgetting=settings.forgetting, inherited=len(INHERITED)
        )

    def update(self, value: float, when: float) -> Verdict:
        """Judge a row measured at `when`, in seconds since 1970, then learn it.

        A value or time that is not finite is neither judged nor learnt.
        """
        verdict = Verdict()
        if isfinite(value) and isfinite(when):
            self._follow_time(when)
            self._judge(value, when, verdict)
            self._decide(verdict)
        return verdict

    def learn(self, rows: Iterable[tuple[float, float]]) -> None:
        """Learn past rows, `(when, value)` with the oldest first, as if they had been watched; none is an anomaly.

        They count for the warm-up. Rows that are not finite, or not later than the last one known, are left out.
        """
        ignored = Verdict()
        for when, value in rows:
            if isfinite(value) and isfinite(when) and (when > self._last or not self._rows):
                self._follow_time(when)
                self._judge(value, when, ignored)

    @property
    def is_warming_up(self) -> bool:
        """Whether too little is known yet to judge."""
        settings = self.settings
        return self._rows <= settings.warm_up_rows or self._last - self._first < settings.warm_up_seconds

    def _follow_time(self, when: float) -> None:
        """Learn the distance between rows; after a gap, means and distributions start over.

        A clock that is set, and more than a day without a row, do not count for the warm-up.
        """
        if not self._rows:
            self._first = self._last = when
        step = when - self._last
        if not 0 <= step <= DAY:
            self._first += step
        if step > GAP_ROWS * self._spacing:
            self._means.clear()
            self._distributions.clear_window()
            self._shifts.clear()
            self._relative_means = (0.0, 0.0)
            self._movements.clear()
        if step > 0 and step != self._spacing:
            self._spacing += 0.1 * (min(step, 2 * self._spacing) - self._spacing)
        self._last = when
        self._rows += 1

    def _judge(self, value: float, when: float, verdict: Verdict) -> None:
        if not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
            value = MAX_MAGNITUDE if value > 0 else -MAX_MAGNITUDE
        expectation = self._expectation
        expectation.learn(value, self._calendar.season_time(when))
        verdict.expected, verdict.size = expectation.expected, expectation.size
        least = expectation.least
        if not self._rows % SHRINK_ROWS:
            self._ranges.shrink(SHRINK_ROWS)
        is_usual, factor = False, 1.0
        size = expectation.size
        if size is not None and not -LARGE <= size <= LARGE and self._rows > self.settings.warm_up_rows:
            is_usual, factor = self._weigh_size(abs(size))
        tame = self._clipped(value, least) if is_usual else self._ranges.tame(value, least)
        means = self._means.add(expectation.distance + (tame - value))
        scale = expectation.scale
        rare = self._rarity.add(abs(means[-1]) / (scale if scale > least else least))
        relative = expectation.relative
        short, long = self._relative_means
        short += SHORT_RATE * (relative - short)
        long += LONG_RATE * (relative - long)
        self._relative_means = short, long
        record, far = self._ranges.add(
            (value, *means, *self._shifts.add(tame), short, long, *self._movements.add(tame, least)), least
        )
        if is_usual:
            record = 0.0
        far += RARITY_WEIGHT * rare
        novelty = DISTRIBUTION_WEIGHT * self._distributions.novelty(self._ranges.share(tame, least))
        verdict.level = factor * (far + record + novelty)
        if verdict.level:
            other = "distribution" if novelty > record else "record"
            verdict.cause = "level" if far >= record and far >= novelty else other

    def _weigh_size(self, size: float) -> tuple[bool, float]:
        """Learn a large row; whether it is usual, in a series whose large rows come alone, and by what it counts."""
        large = self._large
        due = large.due(size, self._rows, MONTH / self._spacing)
        is_usual = due > USUAL and large.is_alone(size, self._rows)
        large.learn(size, self._rows)
        if not self.settings.weighs_tails:
            return False, 1.0
        return is_usual, RARE_FACTOR if due < RARE and not is_usual else 1.0

    def _clipped(self, value: float, least: float) -> float:
        """The value where the last row, which was large, would have been just so."""
        expectation = self._expectation
        reach = LARGE * max(expectation.scale, least)
        distance = expectation.distance
        return value - distance + (reach if distance > 0 else -reach)

    def _decide(self, verdict: Verdict) -> None:
        verdict.warming_up = self.is_warming_up
        if not verdict.level or verdict.warming_up:
            return
        alarm_level = self.settings.level
        verdict.score = 1 - 0.5 ** (verdict.level / alarm_level)
        verdict.onset = verdict.level >= alarm_level and self._gate.begins(self._rows, verdict.level)

    def state(self) -> dict[str, Any]:
        """Everything learnt, as JSON takes it; what `restore` takes."""
        return {
            "version": VERSION,
            "local": int(not self._calendar.is_utc),
            "clock": [self._rows, self._first, self._last, self._spacing, *self._gate.state(self._rows)],
            "expectation": self._expectation.state(),
            "means": self._means.state(),
            "memory": self._distributions.state(),
            "records": self._ranges.state(),
            "rarity": self._rarity.state(),
            "shifts": self._shifts.state(),
            "relative": [*self._relative_means],
            "movements": self._movements.state(),
            "large": self._large.state(),
        }

    @classmethod
    def restore(
        cls, state: Mapping[str, Any], settings: Settings = CHOSEN, *, calendar: Calendar | None = None
    ) -> Detector:
        """Continue where `state()` was taken; raises `ValueError` for another version or a damaged state."""
        check_saved_state(state, VERSION)
        detector = cls(settings, calendar=calendar)
        try:
            detector._restore(state)
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as damage:
            raise ValueError(f"the detector's saved state is damaged: {damage!r}") from damage
        return detector

    def _restore(self, state: Mapping[str, Any]) -> None:
        rows, self._first, self._last, self._spacing, *alarm = state["clock"]
        self._rows = int(rows)
        if self._rows < 0 or self._spacing <= 0:
            raise ValueError("impossible times")
        self._gate.restore(self._rows, *alarm)
        self._expectation.restore(state["expectation"])
        if not (state.get("local") or self._calendar.is_utc):  # learnt by a release that knew UTC only
            self._expectation.shift_seasons(round(self._calendar.utc_offset(self._last) / HOUR))
        self._means.restore(state["means"])
        self._distributions.restore(state["memory"])
        self._rarity.restore(state["rarity"])
        self._shifts.restore(state["shifts"])
        self._ranges.restore(state["records"])
        if "movements" in state:  # unknown to earlier releases
            short, long = state["relative"]
            self._relative_means = float(short), float(long)
            self._movements.restore(state["movements"])
        self._large = LargeRows(self._rows)
        if "large" in state:
            self._large.restore(self._rows, state["large"])

"""One watched series: its row under way, what is known of it, and what its last row was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector_core import Series
from collector_plugins.anomaly.extremes import DAY, Extremes
from collector_plugins.anomaly.rows import Mean, Rate, Row
from collector_plugins.anomaly.rules import ZERO, Rules
from collector_plugins.anomaly.topics import title, topic_of
from collector_plugins.anomaly.words import Finding, unit_of

if TYPE_CHECKING:
    from collector_plugins.anomaly.detector import Detector, Verdict

MISSING_ROWS = 5  # without a reading, while its collector goes on
STEADY_ROWS = 150  # a series that has told less than this is not missed
MAX_GAP_ROWS = 3.0  # the rate of a counter over a longer gap says nothing about a row
SHORTEST_MAX_GAP = 300.0  # seconds; collectors may be slower than rows


class Watched:
    """Takes the readings of one series and judges a row when it is closed."""

    __slots__ = (
        "component", "detector", "expected", "extremes", "first", "heard", "key", "missed", "row", "row_seconds",
        "rules", "seen", "series", "told", "unit", "value", "verdict", "words",
    )  # fmt: skip

    def __init__(self, series: Series, plugin: str, detector: Detector, row_seconds: float, when: float) -> None:
        topic = topic_of(series.name, plugin)
        is_counter = series.kind == "counter"
        self.series = series
        self.component = topic.component
        self.words = topic.words
        self.key = series.text, topic.component
        self.unit = unit_of(series.unit, is_counter=is_counter)
        self.detector = detector
        self.rules = Rules(row_seconds)
        self.extremes = Extremes()
        self.row: Row = Rate(max(SHORTEST_MAX_GAP, MAX_GAP_ROWS * row_seconds)) if is_counter else Mean()
        self.row_seconds = row_seconds
        self.first = self.seen = when
        self.heard = False
        self.missed = self.told = 0
        self.value: float | None = None
        self.expected: float | None = None
        self.verdict: Verdict | None = None

    def add(self, value: float, at: float) -> None:
        """One reading, at monotonic seconds."""
        self.heard = True
        self.row.add(value, at)

    def cut(self) -> None:
        """Time has passed unseen."""
        self.row.cut()
        self.heard = False
        self.missed = 0

    def close(self, when: float, *, alive: bool) -> str:
        """Judge the row that ends at `when`, seconds since 1970; returns the rule that is broken from now on.

        `alive` says whether its collector had a good run in this row.
        """
        self.value = self.row.close()
        self.missed = 0 if self.heard else self.missed + alive
        self.heard = False
        if self.value is None:
            self.verdict = None
            return ""
        self.seen = when
        self.told += 1
        self.verdict = self.detector.update(self.value, when)
        self.expected = self.verdict.expected
        return self.rules.update(self.value)

    @property
    def has_gone(self) -> bool:
        """Whether it tells nothing though it always did and its collector goes on."""
        return self.missed >= MISSING_ROWS and self.told >= STEADY_ROWS

    @property
    def size(self) -> float:
        """How far the row is from what was expected, in robust scales, with its sign; 0 where that is unknown."""
        return (self.verdict.size or 0.0) if self.verdict else 0.0

    def is_onset(self) -> bool:
        """Whether the detector says that something has begun, and may be heard."""
        verdict = self.verdict
        return verdict is not None and verdict.onset and not verdict.warming_up and not self.rules.is_sparse

    def kind_of_onset(self) -> str:
        """The type of what the detector sees: a zero where there is never one has a word of its own."""
        if self.value is not None and self.rules.is_new_zero(self.value):
            return ZERO
        return (self.verdict.cause if self.verdict else "") or "level"

    def finding(self, when: float) -> Finding:
        """What can be said of the last row, before it counts among the extremes."""
        above = self.size >= 0
        value = self.value
        unseen = self.extremes.days_since(value, when, above=above) if value is not None else 0
        spread = None
        if value is not None and self.expected is not None and self.size:
            spread = abs((value - self.expected) / self.size)
        return Finding(
            title(self.series.name, self.words, self.series.labels),
            self.unit,
            value,
            self.expected,
            spread,
            (when - self.first) / DAY,
            unseen,
            above,
            max(self.missed, self.rules.same if value is not None else 0),
            self.row_seconds,
        )

    def note(self, when: float) -> None:
        """Let the last row count among the extremes."""
        if self.value is not None:
            self.extremes.add(self.value, when)

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {
            "first": self.first,
            "seen": self.seen,
            "told": self.told,
            "detector": self.detector.state(),
            "rules": self.rules.state(),
            "extremes": self.extremes.state(),
        }

    def restore(self, state: dict[str, Any], detector: Detector) -> None:
        """Go on from what was saved, with the detector that was made of it; raises `ValueError`."""
        first, told = state.get("first"), state.get("told")
        rules = state.get("rules")
        if not (isinstance(first, int | float) and type(told) is int and isinstance(rules, dict)):
            raise ValueError("the state of a series is damaged")
        self.rules.restore(rules)
        self.extremes.restore(state.get("extremes"))
        self.first, self.told, self.detector = first, told, detector

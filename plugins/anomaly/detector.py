"""Tells whether a row of a series is normal, from the series' own past alone, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from collector_plugins.anomaly import saved
from collector_plugins.anomaly.expectation import Expectation
from collector_plugins.anomaly.means import LENGTHS, Means
from collector_plugins.anomaly.memory import Memory
from collector_plugins.anomaly.rarity import Rarity
from collector_plugins.anomaly.records import Records
from collector_plugins.anomaly.shifts import Shifts

VERSION = 1
CHOSEN_LEVEL = 0.8  # in the middle of the levels that do well on NAB; 0.85 is best on the half tuned on
FLEET_LEVEL = 4.2  # less than one false alarm a month on quiet one-minute rows
HUGE = 1e150  # values beyond are taken for it, so that no sum or difference overflows
VALUE = (2.0, 3e-6)  # weight of a record of the value, and forgetting of its range
DISTANCES = ((0.5, 1e-4),) * len(LENGTHS)  # of each mean distance from what was expected
SHIFTS = ((1.0, 3e-6), (0.3, 1e-4), (0.3, 3e-4))  # of each kind of shift
RARITY_WEIGHT = 0.2  # of how rare the longest mean distance is
RARITY_FORGETTING = 5e-4
DISTRIBUTION_WEIGHT = 1.5
GAP_ROWS = 12  # usual distances between rows; a longer gap separates what is before and after


@dataclass(frozen=True)
class Settings:
    """How it decides; the default is for a few chosen series, `FLEET` for hundreds.

    level: what the opinions must add up to for an alarm; warm_up_rows, warm_up_seconds: no alarm before both are over;
    hold_rows: an alarm sets the bar for the next one to its own level, and the bar halves every so many rows.
    """

    level: float = CHOSEN_LEVEL
    warm_up_rows: int = 150
    warm_up_seconds: float = 12 * 3600
    hold_rows: float = 100


CHOSEN = Settings()
FLEET = Settings(level=FLEET_LEVEL, warm_up_seconds=2 * 86_400)


class Verdict:
    """What the detector thinks of a row.

    score: 0 to 1, 0.5 at the alarm level; level: the sum of the opinions; onset: an alarm begins with this row;
    expected: what the value should have been, None for the first; size: how far it is from that in robust scales,
    signed, None before there is a scale; cause: the opinion that weighs most, 'level', 'record', 'distribution' or ''.
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
    """Watches one series; `row_seconds` is the usual distance of its rows, which it goes on learning."""

    __slots__ = (
        "_bar",
        "_expectation",
        "_fade",
        "_first",
        "_last",
        "_means",
        "_memory",
        "_rarity",
        "_records",
        "_rows",
        "_shifts",
        "_spacing",
        "settings",
    )

    def __init__(self, settings: Settings = CHOSEN, *, row_seconds: float = 60) -> None:
        self.settings = settings
        self._fade = 0.5 ** (1 / settings.hold_rows)
        self._spacing = float(row_seconds)
        self._rows = 0
        self._first = 0.0
        self._last = 0.0
        self._bar = 0.0
        self._expectation = Expectation()
        self._means = Means()
        self._memory = Memory()
        self._rarity = Rarity(RARITY_FORGETTING)
        self._shifts = Shifts()
        self._records = Records((VALUE, *DISTANCES, *SHIFTS))

    def update(self, value: float, when: float) -> Verdict:
        """Judge a row that was measured at `when`, in seconds since 1970, and learn it.

        A value or time that is not a finite number says nothing and teaches nothing.
        """
        verdict = Verdict()
        if not (isfinite(value) and isfinite(when)):
            return verdict
        self._follow(when)
        self._judge(min(max(value, -HUGE), HUGE), when, verdict)
        self._decide(verdict)
        return verdict

    def _follow(self, when: float) -> None:
        """Keep the time; after a gap, means and distributions begin anew."""
        if not self._rows:
            self._first = self._last = when
        step = when - self._last
        if step > GAP_ROWS * self._spacing:
            self._means.clear()
            self._memory.forget_window()
            self._shifts.clear()
        if step > 0:
            self._spacing += 0.1 * (min(step, 2 * self._spacing) - self._spacing)
        self._last = when
        self._rows += 1

    def _judge(self, value: float, when: float, verdict: Verdict) -> None:
        expectation = self._expectation
        expectation.learn(value, when)
        verdict.expected, verdict.size = expectation.expected, expectation.size
        least = expectation.least
        means = self._means.add(expectation.distance)
        rare = self._rarity.of(abs(means[-1]) / max(expectation.scale, least))
        record, far = self._records.opinions([value, *means, *self._shifts.add(value)], least)
        far += RARITY_WEIGHT * rare
        novelty = DISTRIBUTION_WEIGHT * self._memory.novelty(self._records.share(value, least))
        verdict.level = far + record + novelty
        strongest = max(far, record, novelty)
        if strongest:
            verdict.cause = "level" if strongest == far else "record" if strongest == record else "distribution"

    def _decide(self, verdict: Verdict) -> None:
        settings = self.settings
        self._bar *= self._fade
        verdict.warming_up = self._rows <= settings.warm_up_rows or self._last - self._first < settings.warm_up_seconds
        if not verdict.level or verdict.warming_up:
            return
        verdict.score = 1 - 0.5 ** (verdict.level / settings.level)
        if verdict.level > self._bar:
            self._bar = verdict.level
            verdict.onset = verdict.level >= settings.level

    def state(self) -> dict[str, Any]:
        """All that it has learnt, as JSON takes it."""
        return {
            "version": VERSION,
            "clock": [self._rows, self._first, self._last, self._spacing, self._bar],
            "expectation": self._expectation.state(),
            "means": self._means.state(),
            "memory": self._memory.state(),
            "records": self._records.state(),
            "rarity": self._rarity.state(),
            "shifts": self._shifts.state(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], settings: Settings = CHOSEN) -> Detector:
        """Go on where `state()` was taken; raises `ValueError` for another version or a damaged state."""
        saved.check(state, VERSION)
        detector = cls(settings)
        try:
            detector._take_up(state)
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as damage:
            raise ValueError(f"the detector's saved state is damaged: {damage!r}") from damage
        return detector

    def _take_up(self, state: Mapping[str, Any]) -> None:
        rows, self._first, self._last, self._spacing, self._bar = state["clock"]
        self._rows = int(rows)
        if self._rows < 0 or self._spacing <= 0 or self._bar < 0:
            raise ValueError("impossible times")
        self._expectation.restore(state["expectation"])
        self._means.restore(state["means"])
        self._memory.restore(state["memory"])
        self._rarity.restore(state["rarity"])
        self._shifts.restore(state["shifts"])
        self._records.restore(state["records"])

"""Tells whether a row of a series is normal, from the series' own past alone, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from collector_plugins.anomaly.expectation import Expectation
from collector_plugins.anomaly.rarity import Rarity
from collector_plugins.anomaly.records import Range

VERSION = 1
CHOSEN = 1.5
FLEET = 4.0  # `level` for hundreds of series: pages of one series a month at most
HUGE = 1e150  # values beyond are taken for it, so that no sum or difference overflows
SHARPNESS = 100.0  # a record that exceeds the range by a hundredth of its width counts log10(2)


@dataclass(frozen=True)
class Settings:
    """How it decides; the default suits a few chosen series, `Settings(level=FLEET)` many.

    level: what the opinions must add up to for an alarm; warm_up: rows without an alarm at the start;
    hold_rows: an alarm's own level is the bar for the next, and that bar halves every so many rows.
    """

    level: float = CHOSEN
    warm_up: int = 150
    hold_rows: float = 60


class Verdict:
    """What the detector thinks of a row.

    score: 0 to 1, 0.5 at the alarm level; level: the sum of the opinions; onset: an alarm begins with this row;
    expected: what the value should have been; size: how far it is from that in robust scales, signed, None before
    there is a scale; cause: the opinion that weighed most, 'level', 'record', 'distribution' or ''.
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
    """Watches one series; `row_seconds` is the usual distance of its rows."""

    __slots__ = ("_bar", "_expectation", "_fade", "_last", "_ranges", "_rarity", "_row_seconds", "_rows", "settings")

    def __init__(self, settings: Settings = Settings(), *, row_seconds: float = 60) -> None:
        self.settings = settings
        self._row_seconds = row_seconds
        self._fade = 0.5 ** (1 / settings.hold_rows)
        self._rows = 0
        self._bar = 0.0
        self._last: float | None = None
        self._expectation = Expectation()
        self._rarity = Rarity(5e-4)
        self._ranges = (Range(1e-5), Range(1e-4), Range(3e-4))

    def update(self, value: float, when: float) -> Verdict:
        """Judge a row that was measured at `when`, in seconds since 1970, and learn it; not a number: no opinion."""
        verdict = Verdict()
        verdict.warming_up = self._rows < self.settings.warm_up
        if not isfinite(value):
            return verdict
        value = min(max(float(value), -HUGE), HUGE)
        self._judge(value, when, verdict)
        self._rows += 1
        self._last = value
        self._decide(verdict)
        return verdict

    def _judge(self, value: float, when: float, verdict: Verdict) -> None:
        expectation = self._expectation
        expected = expectation.of(when)
        deviation = expectation.learn(value, when)
        rare = 0.5 * self._rarity.of(abs(deviation))
        step = value - self._last if self._last is not None else 0.0
        outside = sum(
            log10(1 + SHARPNESS * span.excess(number))
            for span, number in zip(self._ranges, (value, value - (expected or value), step), strict=True)
        )
        verdict.level = rare + outside
        verdict.expected = expected
        verdict.size = expectation.size
        verdict.cause = "level" if rare >= outside else "record"

    def _decide(self, verdict: Verdict) -> None:
        self._bar *= self._fade
        verdict.score = 1 - 0.5 ** (verdict.level / self.settings.level)
        if verdict.warming_up:
            verdict.score, verdict.cause = 0.0, ""
        elif verdict.level > self._bar:
            self._bar = verdict.level
            verdict.onset = verdict.level >= self.settings.level

    def state(self) -> dict[str, Any]:
        """All that it has learnt, as JSON takes it."""
        return {
            "version": VERSION,
            "row_seconds": self._row_seconds,
            "rows": self._rows,
            "bar": self._bar,
            "last": self._last,
            "expectation": self._expectation.state(),
            "rarity": self._rarity.state(),
            "ranges": [span.state() for span in self._ranges],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], settings: Settings = Settings()) -> Detector:
        """Go on where `state()` was taken; raises `ValueError` for another version or a damaged state."""
        return cls(settings)

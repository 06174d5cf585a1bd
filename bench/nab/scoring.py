"""The scoring of the Numenta Anomaly Benchmark, 0 for a detector that stays silent and 100 for a perfect one.

Its definition: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", 2015, arXiv:1510.03336.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp

from bench.nab.corpus import Recording, Window

Scores = Sequence[float]  # one per row of a recording; larger is odder; a row at or above the threshold is a detection
FAR = 3.0  # widths behind a window from which on a false alarm costs all it can


@dataclass(frozen=True)
class Profile:
    """What a found window earns, and what a false alarm and a missed window cost."""

    name: str
    found: float
    false: float
    missed: float


STANDARD = Profile("standard", 1.0, 0.11, 1.0)
LOW_FALSE = Profile("reward low FP", 1.0, 0.22, 1.0)
LOW_MISSED = Profile("reward low FN", 1.0, 0.11, 2.0)
PROFILES = (STANDARD, LOW_FALSE, LOW_MISSED)


@dataclass(frozen=True)
class Detection:
    """A row that may be detected: `worth` is 0 to 1 within the window that it is in, and 0 to -1 outside (None)."""

    score: float
    worth: float
    window: tuple[str, int] | None


@dataclass(frozen=True)
class Outcome:
    """The final score of a corpus at a threshold, the windows found and the false alarms."""

    final: float
    threshold: float
    found: int
    false: int


def at(threshold: float, corpus: Iterable[tuple[Recording, Scores]], profile: Profile) -> Outcome:
    """What the rows with a score of `threshold` or more earn."""
    pairs = list(corpus)
    detections = [one for recording, scores in pairs for one in _detections(recording, scores, threshold)]
    *_, last = _sweep(detections, sum(len(recording.windows) for recording, _ in pairs), profile)
    return Outcome(last.final, threshold, last.found, last.false)


def best(corpus: Iterable[tuple[Recording, Scores]], profile: Profile) -> Outcome:
    """The outcome at the one threshold for all recordings that earns most: what the published board shows."""
    pairs = list(corpus)
    detections = [one for recording, scores in pairs for one in _detections(recording, scores, 0.0)]
    outcomes = _sweep(detections, sum(len(recording.windows) for recording, _ in pairs), profile)
    return max(outcomes, key=lambda outcome: outcome.final)


def _detections(recording: Recording, scores: Scores, least: float) -> Iterator[Detection]:
    """The rows after probation with a score of `least` or more, above zero."""
    ahead = list(enumerate(recording.windows))
    behind: Window | None = None
    for row, score in enumerate(scores):
        while ahead and row > ahead[0][1].last:
            behind = ahead.pop(0)[1]
        if row < recording.probation or score < least or score <= 0:
            continue
        if ahead and row >= ahead[0][1].first:
            yield Detection(score, worth_within(ahead[0][1], row), (recording.name, ahead[0][0]))
        else:
            yield Detection(score, worth_behind(behind, row), None)


def worth_within(window: Window, row: int) -> float:
    """1 for the window's first row, falling to almost 0 for its last."""
    return _sigmoid(-(window.last - row + 1) / window.width) / _sigmoid(-1.0)


def worth_behind(window: Window | None, row: int) -> float:
    """Almost 0 for the first row behind `window`, falling to -1 far from it or where none precedes."""
    if window is None:
        return -1.0
    widths = (row - window.last) / max(window.width - 1, 1)
    return -1.0 if widths > FAR else _sigmoid(widths)


def _sigmoid(position: float) -> float:
    return 2 / (1 + exp(5 * position)) - 1


def _sweep(detections: list[Detection], windows: int, profile: Profile) -> Iterator[Outcome]:
    """The outcome at each threshold from infinity down to the lowest score."""
    earned: dict[tuple[str, int], float] = {}
    false, cost = 0, 0.0
    yield Outcome(0.0, float("inf"), 0, 0)
    for score, group in groupby(sorted(detections, key=lambda one: -one.score), key=lambda one: one.score):
        for one in group:
            if one.window is None:
                false, cost = false + 1, cost + one.worth * profile.false
            else:
                earned[one.window] = max(earned.get(one.window, 0.0), one.worth)
        raw = sum(earned.values()) * profile.found + cost - profile.missed * (windows - len(earned))
        yield Outcome(_final(raw, windows, profile), score, len(earned), false)


def _final(raw: float, windows: int, profile: Profile) -> float:
    null, perfect = -profile.missed * windows, profile.found * windows
    return 100 * (raw - null) / (perfect - null) if windows else 0.0

"""Mean, deviation and confidence interval of repeated measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, pi, sin, sqrt
from statistics import mean, stdev

CONFIDENCE = 0.95
_STEPS = 80  # of halving the interval in which a quantile lies: more than a float has bits


@dataclass(frozen=True)
class Statistics:
    """Of several values; `deviation` (sample) and `margin` need two of them.

    The true mean is within `margin` of `mean` with a confidence of 95 %, if the values are normally distributed.
    """

    count: int
    mean: float
    minimum: float
    maximum: float
    deviation: float | None = None
    margin: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The confidence interval of the mean."""
        return None if self.margin is None else (self.mean - self.margin, self.mean + self.margin)


def summarize(values: Sequence[float]) -> Statistics:
    """Raises `ValueError` without values."""
    if not values:
        raise ValueError("no values")
    count, centre = len(values), mean(values)
    if count == 1:
        return Statistics(1, centre, centre, centre)
    deviation = stdev(values)
    margin = student_t(count - 1) * deviation / sqrt(count)
    return Statistics(count, centre, min(values), max(values), deviation, margin)


def student_t(degrees: int, confidence: float = CONFIDENCE) -> float:
    """How many standard errors around the mean hold the truth with that confidence (two-sided)."""
    low, high = 0.0, 1e6
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """Probability of −t…t in Student's distribution: Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for step in range(1 + odd, degrees, 2):
        total += term
        term *= cos(angle) ** 2 * step / (step + 1)
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total

"""How well a curve fits what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import NamedTuple


class FitQuality(NamedTuple):
    """R², which is 1 for a perfect fit, and the root mean square of what is left, in watts."""

    r_squared: float
    residual: float

    def notes(self) -> dict[str, float]:
        """As a model's file has them."""
        return {"r_squared": self.r_squared, "residual_watts": self.residual}


def fit_quality(curve: Callable[[float], float], points: Sequence[tuple[float, float]]) -> FitQuality:
    """Judge a curve of watts by measured points of load and watts, of which there is at least one."""
    mean = sum(watts for _, watts in points) / len(points)
    total = sum((watts - mean) ** 2 for _, watts in points)
    left = sum((watts - curve(load)) ** 2 for load, watts in points)
    r_squared = 1 - left / total if total else (1.0 if left == 0 else -inf)
    return FitQuality(r_squared, sqrt(left / len(points)))

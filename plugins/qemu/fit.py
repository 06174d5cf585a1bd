"""Fits the polynomial of the host's power to measured points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from collector_core.calibration import FitQuality, fit_quality
from collector_plugins.qemu.model import Polynomial

Point = tuple[float, float]  # load, watts

_SPARE_POINTS = 2  # a polynomial through (nearly) all points has residuals that say nothing
_SINGULAR = 1e-12  # of the largest element; below it the points do not determine the coefficients


class Fit(NamedTuple):
    """A polynomial and how well it fits."""

    polynomial: Polynomial
    quality: FitQuality


def fit(points: Sequence[Point], max_degree: int) -> Fit:
    """The best polynomial with f(0) ≥ 0 that never falls from idle to the highest load.

    Least squares; the degree is the highest that leaves two points to spare and gives such a polynomial. Raises
    `ValueError` where even the mean of the points is none.
    """
    highest = max(load for load, _ in points)
    for degree in range(min(max_degree, max(1, len(points) - _SPARE_POINTS)), -1, -1):
        coefficients = _least_squares(points, degree, highest)
        if coefficients is not None:
            polynomial = Polynomial(coefficients, (0.0, highest))
            if polynomial.problem(highest) is None:
                return Fit(polynomial, fit_quality(polynomial, points))
    raise ValueError("no polynomial fits: the host's power is negative")


def _least_squares(points: Sequence[Point], degree: int, highest: float) -> tuple[float, ...] | None:
    """Coefficients c0 ≥ 0, c1, …; None where the points do not determine them.

    A negative c0 becomes 0: the sum of squares is convex, so its minimum on c0 ≥ 0 is at the border then. Loads are
    scaled to 0…1, which keeps the equations well conditioned.
    """
    scaled = [(load / highest if highest else 0.0, watts) for load, watts in points]
    solution = _solve(scaled, range(degree + 1))
    if solution is not None and solution[0] < 0:
        rest = _solve(scaled, range(1, degree + 1))
        solution = None if rest is None else [0.0, *rest]
    return None if solution is None else tuple(c / (highest or 1.0) ** power for power, c in enumerate(solution))


def _solve(points: Sequence[Point], powers: range) -> list[float] | None:
    """The normal equations of Σ c·xᵖ for the given powers, by Gauss' elimination with pivoting."""
    rows = [[sum(x ** (p + q) for x, _ in points) for q in powers] + [sum(y * x**p for x, y in points)] for p in powers]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) <= _SINGULAR * len(points):
            return None
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [value - factor * above for value, above in zip(rows[row], rows[column], strict=True)]
    return _substitute_back(rows)


def _substitute_back(rows: list[list[float]]) -> list[float]:
    size = len(rows)
    solution = [0.0] * size
    for row in reversed(range(size)):
        known = sum(rows[row][column] * solution[column] for column in range(row + 1, size))
        solution[row] = (rows[row][size] - known) / rows[row][row]
    return solution

"""Cholesky factors of small matrices, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Matrix = Sequence[Sequence[float]]
LEAST_PIVOT = 1e-9  # smaller ones are raised to it, so that a matrix that is barely positive definite has a factor


def factorize(matrix: Matrix) -> list[list[float]]:
    """The rows, each up to the diagonal, of the lower triangle L with L Lᵀ = `matrix`, which is positive definite."""
    factor: list[list[float]] = []
    for position, row in enumerate(matrix):
        line: list[float] = []
        for other in range(position):
            above = sum(a * b for a, b in zip(line, factor[other], strict=False))
            line.append((row[other] - above) / factor[other][other])
        line.append(sqrt(max(row[position] - sum(a * a for a in line), LEAST_PIVOT)))
        factor.append(line)
    return factor


def solve_lower(factor: Matrix, vector: Sequence[float]) -> list[float]:
    """The x with L x = `vector`."""
    solved: list[float] = []
    for line, value in zip(factor, vector, strict=True):
        solved.append((value - sum(a * b for a, b in zip(line, solved, strict=False))) / line[-1])
    return solved


def solve(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    """The x with `matrix` x = `vector`; the matrix is positive definite."""
    factor = factorize(matrix)
    lower = solve_lower(factor, vector)
    size = len(lower)
    solved = [0.0] * size
    for position in reversed(range(size)):
        below = sum(factor[other][position] * solved[other] for other in range(position + 1, size))
        solved[position] = (lower[position] - below) / factor[position][position]
    return solved


def quadratic_form(matrix: Matrix, vector: Sequence[float]) -> float:
    """vᵀ A⁻¹ v: the squared Mahalanobis length of `vector` where `matrix`, positive definite, is the covariance."""
    return sum(value * value for value in solve_lower(factorize(matrix), vector))

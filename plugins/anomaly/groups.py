"""Anomalies of a component as a whole: its series taken together, where none of them alone need be odd.

A robust Mahalanobis distance. What the series are measured by is their size in a row: the distance from what was
expected of each, in robust scales, clipped, so that season and level are out already. Sizes of series of one metric
(cores, interfaces) are averaged, so that a component has at most eight dimensions however many series it has. Their
covariance is learnt with exponential forgetting and shrunk towards its diagonal (Ledoit and Wolf 2004, with a fixed
intensity), which keeps it invertible. The root of the distance by dimension is itself watched by a detector, so that an
alarm is as rare here as for a series.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector_plugins.anomaly.detector import Detector, Verdict

MAX_DIMENSIONS = 8
CLIP = 8.0  # robust scales
SHRINKAGE = 0.2
SMALLEST_VARIANCE = 0.05
FORGET = 1.0 / 2000.0  # per row
LEARN_ROWS = 150.0
ODD_SIZE = 3.0  # robust scales of at least one metric, and of a second one:
SECOND_SIZE = 2.0


class Group:
    """The series of one component."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.verdict: Verdict | None = None
        self._names: list[str] = []
        self._covariance: list[list[float]] = []
        self._rows = 0.0

    def update(self, sizes: Mapping[str, float], when: float) -> bool:
        """Take the mean size of each metric in a row; returns whether something has begun.

        A row in which a metric is missing, or which has fewer than two, is not judged.
        """
        self.verdict = None
        for name in sizes.keys() - set(self._names):
            self._add(name)
        if len(self._names) < 2 or any(name not in sizes for name in self._names):
            return False
        clipped = [max(-CLIP, min(CLIP, sizes[name])) for name in self._names]
        distance = self._distance(clipped)
        self._learn(clipped)
        if self._rows < LEARN_ROWS:
            return False
        self.verdict = verdict = self.detector.update(distance, when)
        return verdict.onset and not verdict.warming_up and (verdict.size or 0.0) > 0 and _odd_together(clipped)

    def keep(self, names: set[str]) -> None:
        """Only these metrics are there: those that are gone must not silence the others."""
        gone = [place for place, name in enumerate(self._names) if name not in names]
        for place in reversed(gone):
            del self._names[place], self._covariance[place]
            for row in self._covariance:
                del row[place]

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        matrix = [list(row) for row in self._covariance]
        return {"names": list(self._names), "matrix": matrix, "rows": self._rows, "detector": self.detector.state()}

    def restore(self, state: Mapping[str, Any], detector: Detector) -> None:
        """Go on from what was saved; raises `ValueError` where that is no such state."""
        names, matrix, rows = state.get("names"), state.get("matrix"), state.get("rows")
        if not (isinstance(names, list) and isinstance(matrix, list) and isinstance(rows, int | float)):
            raise ValueError("the state of a component is damaged")  # noqa: TRY004 - one error for all that is damaged
        square = len(matrix) == len(names) <= MAX_DIMENSIONS and all(isinstance(name, str) for name in names)
        if not square or not all(_is_row(row, len(names)) for row in matrix):
            raise ValueError("the state of a component is damaged")
        self._names, self._covariance, self._rows, self.detector = names, matrix, float(rows), detector

    def _add(self, name: str) -> None:
        if len(self._names) < MAX_DIMENSIONS:
            for row in self._covariance:
                row.append(0.0)
            self._names.append(name)
            self._covariance.append([0.0] * (len(self._names) - 1) + [1.0])

    def _learn(self, sizes: list[float]) -> None:
        """Covariance around 0: a size is a difference already."""
        self._rows += 1.0
        weight = max(FORGET, 1.0 / (self._rows + 1.0))
        for place, row in enumerate(self._covariance):
            for other, value in enumerate(row):
                row[other] = value + weight * (sizes[place] * sizes[other] - value)

    def _distance(self, sizes: list[float]) -> float:
        """The root of the squared Mahalanobis distance by dimension: about 1 in a usual row."""
        return sqrt(max(0.0, quadratic_form(self._shrunk(), sizes)) / len(sizes))

    def _shrunk(self) -> list[list[float]]:
        return [
            [
                max(value, SMALLEST_VARIANCE) if place == other else (1.0 - SHRINKAGE) * value
                for other, value in enumerate(row)
            ]
            for place, row in enumerate(self._covariance)
        ]


def quadratic_form(matrix: list[list[float]], vector: list[float]) -> float:
    """vᵀ A⁻¹ v for a positive definite A, by its Cholesky factor: |L⁻¹ v|²."""
    factor: list[list[float]] = []
    solved: list[float] = []
    for place, row in enumerate(matrix):
        line: list[float] = []
        for other in range(place):
            above = sum(a * b for a, b in zip(line, factor[other], strict=False))
            line.append((row[other] - above) / factor[other][other])
        line.append(sqrt(max(row[place] - sum(a * a for a in line), 1e-9)))
        factor.append(line)
        solved.append((vector[place] - sum(a * b for a, b in zip(line, solved, strict=False))) / line[place])
    return sum(value * value for value in solved)


def _odd_together(sizes: list[float]) -> bool:
    """More than one of them is away from where it should be: one alone is its own anomaly."""
    first, second = sorted(map(abs, sizes), reverse=True)[:2]
    return first >= ODD_SIZE and second >= SECOND_SIZE


def _is_row(row: object, length: int) -> bool:
    return isinstance(row, list) and len(row) == length and all(isinstance(v, int | float) and v - v == 0 for v in row)

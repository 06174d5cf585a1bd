"""Anomalies of a component as a whole: its series taken together, even where none of them alone is unusual.

A robust Mahalanobis distance of the sizes of a row: the distance of each series from its own expectation, in robust
scales and clipped, so that season and level are already out. Sizes of series of one metric (cores, interfaces) are
averaged, so that a component has at most eight dimensions however many series it has. Their covariance is learnt with
exponential forgetting and shrunk towards its diagonal (Ledoit and Wolf 2004, with a fixed intensity), which keeps it
invertible. The root of the distance per dimension is itself watched by a detector, so that an alarm is as rare here as
for a single series.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

from collector_plugins.anomaly.cholesky import quadratic_form
from collector_plugins.anomaly.state_checks import is_finite

if TYPE_CHECKING:
    from collector_plugins.anomaly.detector import Detector, Verdict

MAX_DIMENSIONS = 8
CLIP = 8.0  # robust scales
SHRINKAGE = 0.2
SMALLEST_VARIANCE = 0.05
FORGETTING = 1.0 / 2000.0  # per row
LEARN_ROWS = 150.0
UNUSUAL_SIZE = 3.0  # robust scales that at least one metric must reach, and a second one:
SECOND_SIZE = 2.0


class ComponentDetector:
    """Watches the series of one component together; `detector` judges their joint distance."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.verdict: Verdict | None = None
        self._metrics: list[str] = []
        self._covariance: list[list[float]] = []
        self._rows = 0.0

    def update(self, sizes: Mapping[str, float], when: float) -> bool:
        """Take the mean size of each metric in a row; returns whether an anomaly begins.

        A row without one of the known metrics, or with fewer than two, is not judged.
        """
        self.verdict = None
        for metric in sizes:
            self._add_metric(metric)
        if len(self._metrics) < 2 or any(metric not in sizes for metric in self._metrics):
            return False
        clipped = [max(-CLIP, min(CLIP, sizes[metric])) for metric in self._metrics]
        distance = self._distance(clipped)
        self._learn(clipped)
        if self._rows < LEARN_ROWS:
            return False
        self.verdict = verdict = self.detector.update(distance, when)
        onset = verdict.onset and not verdict.warming_up and (verdict.size or 0.0) > 0
        return onset and _are_unusual_together(clipped)

    def keep_only(self, metrics: set[str]) -> None:
        """Forget all other metrics: those that are gone must not silence the rest."""
        gone = [position for position, metric in enumerate(self._metrics) if metric not in metrics]
        for position in reversed(gone):
            del self._metrics[position], self._covariance[position]
            for row in self._covariance:
                del row[position]

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        matrix = [list(row) for row in self._covariance]
        return {"names": list(self._metrics), "matrix": matrix, "rows": self._rows, "detector": self.detector.state()}

    def restore(self, state: Mapping[str, Any], detector: Detector) -> None:
        """Continue from `state`, with the detector restored from it; raises `ValueError` if it is damaged."""
        names, matrix, rows = state.get("names"), state.get("matrix"), state.get("rows")
        if not (isinstance(names, list) and isinstance(matrix, list) and is_finite(rows)):
            raise ValueError("the state of a component is damaged")
        square = len(matrix) == len(names) <= MAX_DIMENSIONS and all(isinstance(name, str) for name in names)
        if not square or not all(_is_row(row, len(names)) for row in matrix):
            raise ValueError("the state of a component is damaged")
        self._metrics, self._covariance, self._rows, self.detector = names, matrix, float(rows), detector

    def _add_metric(self, metric: str) -> None:
        if metric not in self._metrics and len(self._metrics) < MAX_DIMENSIONS:
            for row in self._covariance:
                row.append(0.0)
            self._metrics.append(metric)
            self._covariance.append([0.0] * (len(self._metrics) - 1) + [1.0])

    def _learn(self, sizes: list[float]) -> None:
        """Learn the covariance around 0: a size already is a difference."""
        self._rows += 1.0
        weight = max(FORGETTING, 1.0 / (self._rows + 1.0))
        for position, row in enumerate(self._covariance):
            for other, value in enumerate(row):
                row[other] = value + weight * (sizes[position] * sizes[other] - value)

    def _distance(self, sizes: list[float]) -> float:
        """The root of the squared Mahalanobis distance per dimension: about 1 in a usual row."""
        return sqrt(max(0.0, quadratic_form(self._shrunk_covariance(), sizes)) / len(sizes))

    def _shrunk_covariance(self) -> list[list[float]]:
        return [
            [
                max(value, SMALLEST_VARIANCE) if position == other else (1.0 - SHRINKAGE) * value
                for other, value in enumerate(row)
            ]
            for position, row in enumerate(self._covariance)
        ]


def _are_unusual_together(sizes: list[float]) -> bool:
    """Whether more than one of them is off: one alone is an anomaly of its own."""
    first, second = sorted(map(abs, sizes), reverse=True)[:2]
    return first >= UNUSUAL_SIZE and second >= SECOND_SIZE


def _is_row(row: object, length: int) -> bool:
    return isinstance(row, list) and len(row) == length and all(map(is_finite, row))

"""What an operation costs by the work it does, learnt from measurements: energy = a + b·gas + c·bytes …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import NamedTuple

from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.operations import by_operation, quoted
from collector_core.measure.statistics import student_t

Matrix = Sequence[Sequence[float]]
_SINGULAR = 1e-9  # of a column's length: what is left of it beside the others


class Prediction(NamedTuple):
    """The energy that an operation will take, which is true within `error_joules` with a confidence of 95 %."""

    energy_joules: float
    error_joules: float


@dataclass(frozen=True)
class OperationModel:
    """Joules of one operation: `intercept`, and `coefficients` per unit of each kind of work.

    Fitted to `count` measurements by least squares; `deviation_joules` is what they deviate from it (standard error of
    the residuals).
    """

    intercept: float
    coefficients: Mapping[str, float]
    count: int
    deviation_joules: float
    _inverse: Matrix
    _scales: Sequence[float]

    def predict(self, **work: float) -> Prediction:
        """The energy of one operation that does this work.

        Raises `ValueError` for an amount that is missing, unknown or no finite number.
        """
        if work.keys() != self.coefficients.keys():
            raise ValueError(f"predict() takes {', '.join(self.coefficients)}; got {', '.join(work) or 'nothing'}")
        if not all(map(isfinite, work.values())):
            raise ValueError("an amount of work is a finite number")
        energy = self.intercept + sum(self.coefficients[name] * amount for name, amount in work.items())
        amounts = (1.0, *(work[name] for name in self.coefficients))
        row = [each / scale for each, scale in zip(amounts, self._scales, strict=True)]
        leverage = _dot(row, [_dot(row, line) for line in self._inverse])
        margin = student_t(self.count - len(row)) * self.deviation_joules * sqrt(1 + max(0.0, leverage))
        return Prediction(energy, margin)


def operation_model(kept: Sequence[KeptMeasurement], label: str, names: Sequence[str]) -> OperationModel:
    """Learn from the measurements of a label that know their energy and all of this work, taken in the quoted way.

    Raises `ValueError` where there are too few, or where they cannot tell the kinds of work apart.
    """
    points = [point for each in _comparable(kept) if (point := _point(each, names))]
    needed = len(names) + 2  # one more than is unknown, so that there is an error
    if len(points) < needed:
        raise ValueError(
            f"{len(points)} measurements of {label!r} know their energy and {', '.join(names) or 'nothing else'}; "
            f"{needed} are needed"
        )
    return _fit([row for row, _ in points], [energy for _, energy in points], names)


def _comparable(kept: Sequence[KeptMeasurement]) -> Sequence[KeptMeasurement]:
    """Those of the operation to quote: joules of different methods or parts of the machine make no model."""
    groups = by_operation(kept)
    return [each for operation in quoted(groups) for each in groups[operation]]


def _point(kept: KeptMeasurement, names: Sequence[str]) -> tuple[list[float], float] | None:
    """The amounts of work, with a 1 before them, and the energy; None where one is not known."""
    work = kept.result.get("work")
    amounts = [work.get(name) for name in names] if isinstance(work, dict) else [None] * len(names)
    energy = kept.figure("energy_joules")
    if energy is None or not all(isinstance(each, int | float) and isfinite(each) for each in amounts):
        return None
    return [1.0, *(float(each) for each in amounts if each is not None)], energy


def _fit(rows: Matrix, energies: Sequence[float], names: Sequence[str]) -> OperationModel:
    scales = [max(abs(each) for each in column) or 1.0 for column in zip(*rows, strict=True)]
    scaled = [[each / scale for each, scale in zip(row, scales, strict=True)] for row in rows]
    inverse = _inverse(_products(scaled), names)
    moments = [_dot(column, energies) for column in zip(*scaled, strict=True)]
    solution = [_dot(line, moments) for line in inverse]
    errors = [energy - _dot(row, solution) for row, energy in zip(scaled, energies, strict=True)]
    deviation = sqrt(_dot(errors, errors) / (len(rows) - len(scales)))
    intercept, *slopes = (value / scale for value, scale in zip(solution, scales, strict=True))
    return OperationModel(intercept, dict(zip(names, slopes, strict=True)), len(rows), deviation, inverse, scales)


def _products(rows: Matrix) -> list[list[float]]:
    """XᵀX of the rows X."""
    columns = list(zip(*rows, strict=True))
    return [[_dot(one, other) for other in columns] for one in columns]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _inverse(matrix: Matrix, names: Sequence[str]) -> list[list[float]]:
    """By Gauss-Jordan elimination with pivots; raises `ValueError` naming the work that cannot be told apart."""
    size = len(matrix)
    work = [[*line, *(float(place == number) for place in range(size))] for number, line in enumerate(matrix)]
    for place in range(size):
        best = max(range(place, size), key=lambda number: abs(work[number][place]))
        if abs(work[best][place]) <= _SINGULAR * matrix[place][place]:
            raise ValueError(f"{names[place - 1]} never varies on its own: measure with other amounts of it")
        work[place], work[best] = work[best], work[place]
        pivot = work[place][place]
        work[place] = [each / pivot for each in work[place]]
        for number in range(size):
            if number != place and (factor := work[number][place]):
                work[number] = [each - factor * own for each, own in zip(work[number], work[place], strict=True)]
    return [line[size:] for line in work]

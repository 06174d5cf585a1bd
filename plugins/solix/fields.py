"""A field of the library, and which series it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from collector_core import Metric, Unit
from collector_plugins.solix.parsing import at, number
from collector_plugins.solix.series import Series

MOST_WATTS = 1e6  # no device of this maker comes near: beyond it a message was misread
LOWEST_CELSIUS = -60.0
HIGHEST_CELSIUS = 150.0


class Part(StrEnum):
    """What of a signed number counts."""

    ALL = "all"
    POSITIVE = "positive"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the library: number × `factor` is the metric in its base unit."""

    name: str
    metric: Metric
    factor: float = 1.0
    part: Part = Part.ALL
    label: str = ""

    def value(self, values: Mapping[str, object]) -> float | None:
        """The metric's value in its base unit; None where the field is missing, no number or impossible."""
        found = number(at(values, self.name))
        if found is None:
            return None
        found *= self.factor
        if self.part is not Part.ALL:
            found = max(0.0, found if self.part is Part.POSITIVE else -found)
        return found if is_possible(self.metric, found) else None


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of one class of device, by source."""

    rest: Sequence[Field] = ()
    mqtt: Sequence[Field] = ()


def signed(name: str, positive: Metric, negative: Metric, factor: float = 1.0) -> tuple[Field, Field]:
    """One number of which the positive part is one metric, and the negative part another."""
    return Field(name, positive, factor, Part.POSITIVE), Field(name, negative, factor, Part.NEGATIVE)


def each(pattern: str, metric: Metric, labels: Sequence[str], factor: float = 1.0) -> tuple[Field, ...]:
    """Fields that are called alike, by what stands in their names: `each("pv_{}_power", metric, ("1", "2"))`."""
    return tuple(Field(pattern.format(label), metric, factor, label=label) for label in labels)


def read(fields: Sequence[Field], values: Mapping[str, object]) -> dict[Series, float]:
    """What the fields say, in base units."""
    found: dict[Series, float] = {}
    for field in fields:
        series = Series(field.metric, field.label)
        if series not in found and (value := field.value(values)) is not None:
            found[series] = value
    return found


def is_possible(metric: Metric, value: float) -> bool:
    """Whether a value of the metric, in its base unit, can be true."""
    if metric.kind == "counter" or metric.unit in {Unit.JOULES, Unit.SECONDS}:
        return value >= 0
    if metric.unit is Unit.RATIO:
        return 0 <= value <= 1
    if metric.unit is Unit.CELSIUS:
        return LOWEST_CELSIUS <= value <= HIGHEST_CELSIUS
    return abs(value) <= MOST_WATTS

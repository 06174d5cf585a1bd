"""Declarations of metrics: what a series is called, what it means and in which unit it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Literal

from collector_core.errors import DeclarationError

Kind = Literal["gauge", "counter", "info"]

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_FORBIDDEN_LABELS = frozenset({"le", "quantile", "job", "instance"})
_FORBIDDEN_ENDINGS = {
    "percent": "ratio (0 to 1)",
    "milliseconds": "seconds",
    "milliwatts": "watts",
    "kwh": "joules",
    "megabytes": "bytes",
    "gigabytes": "bytes",
    "fahrenheit": "celsius",
    "megahertz": "hertz",
    "bucket": "another word: Prometheus uses it for histograms",
    "count": "another word: Prometheus uses it for histograms",
    "sum": "another word: Prometheus uses it for histograms",
    "created": "another word: OpenMetrics uses it for counters",
}


class Unit(StrEnum):
    """Base units; a metric's name ends with its unit. `NONE` is for plain numbers and composed units."""

    NONE = ""
    SECONDS = "seconds"
    JOULES = "joules"
    WATTS = "watts"
    BYTES = "bytes"
    RATIO = "ratio"
    CELSIUS = "celsius"
    GRAMS = "grams"
    HERTZ = "hertz"
    VOLTS = "volts"
    AMPERES = "amperes"


@dataclass(frozen=True, eq=False)
class Metric:
    """One declared metric; use `Gauge`, `Counter` or `Info`.

    Declarations are compared by identity, which makes them cheap keys; `same_as` compares what they say.
    Raises `DeclarationError` for a name, label or unit that breaks the naming rules.
    """

    name: str
    help: str
    unit: Unit = Unit.NONE
    labels: tuple[str, ...] = ()

    kind: ClassVar[Kind]

    def __post_init__(self) -> None:
        if not isinstance(self.labels, tuple):
            raise DeclarationError(f"{self.name}: labels must be a tuple of names, e.g. ('plug',)")
        for problem in self._problems():
            raise DeclarationError(f"{self.name}: {problem}")

    @cached_property
    def base_name(self) -> str:
        """The name without the suffix that the kind adds: the family's name in OpenMetrics."""
        return self.name.removesuffix(self.suffix)

    @property
    def suffix(self) -> str:
        """What every name of this kind ends with."""
        return {"counter": "_total", "info": "_info"}.get(self.kind, "")

    def same_as(self, other: Metric) -> bool:
        """Whether both declarations say the same."""
        return (self.kind, self.name, self.help, self.unit, self.labels) == (
            other.kind,
            other.name,
            other.help,
            other.unit,
            other.labels,
        )

    def _problems(self) -> list[str]:
        return [*self._name_problems(), *self._label_problems(), *([] if self.help.strip() else ["help is missing"])]

    def _name_problems(self) -> list[str]:
        problems = []
        if not _NAME.fullmatch(self.name):
            problems.append("the name must be snake_case")
        if not self.name.endswith(self.suffix):
            problems.append(f"the name of a {self.kind} must end in {self.suffix}")
        if self.kind == "gauge" and self.name.endswith(("_total", "_info")):
            problems.append("the name of a gauge must not end in _total or _info")
        if self.unit and not self.base_name.endswith(f"_{self.unit}"):
            problems.append(f"the name must carry its unit: …_{self.unit}{self.suffix}")
        last = self.base_name.rpartition("_")[2]
        if last in _FORBIDDEN_ENDINGS and not self.base_name.endswith(f"_per_{last}"):
            problems.append(f"not …_{last}: use {_FORBIDDEN_ENDINGS[last]}")
        if not self.unit and last in set(Unit):
            problems.append(f"the name ends in {last}, so its unit is Unit.{last.upper()}")
        return problems

    def _label_problems(self) -> list[str]:
        problems = [f"label {label!r} must be snake_case" for label in self.labels if not _NAME.fullmatch(label)]
        problems += [f"label {label!r} is reserved" for label in self.labels if label in _FORBIDDEN_LABELS]
        if len(set(self.labels)) < len(self.labels):
            problems.append("a label is named twice")
        return problems


class Gauge(Metric):
    """A value that can go up and down."""

    kind: ClassVar[Kind] = "gauge"


class Counter(Metric):
    """A value that only grows while its source lives; its name ends in `_total`."""

    kind: ClassVar[Kind] = "counter"


class Info(Metric):
    """Facts in labels; its name ends in `_info` and its value is always 1."""

    kind: ClassVar[Kind] = "info"

    def __init__(self, name: str, help: str, labels: tuple[str, ...] = ()) -> None:
        super().__init__(name, help, Unit.NONE, labels)

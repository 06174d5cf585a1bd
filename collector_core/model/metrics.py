"""Declarations of metrics: what a series is called, what it means and in which unit it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

from collector_core.errors import DeclarationError
from collector_core.model.units import Unit, unit_problem
from collector_core.model.words import is_snake_case

Kind = Literal["gauge", "counter", "info"]

_FORBIDDEN_LABELS = frozenset({"le", "job", "instance"})
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


@dataclass(frozen=True, eq=False)
class Metric:
    """One declared metric; use `Gauge`, `Counter` or `Info`.

    `unit` is a `Unit` or another base unit as a word that the name ends with, e.g. `volt_amperes`. What it is about is
    for consumers that do not know the metric by name: `topic` is the quantity (`power`, `energy`, `charge`,
    `temperature`, `load`, `latency`, `errors`, `throughput`, `availability`, …), `of` what has it (`cpu`, `gpu`,
    `vm`, `battery`, `host`, `node`, …), both snake_case and free to choose; `title` is the start of a sentence about it
    (`Power of the greenhouse`). A limit or a part of a quantity is a topic of its own (`power_limit`, `core_load`).

    `given_name` says that the name is somebody's contract, such as that of dashboards that exist: it need neither carry
    the unit nor begin with the plugin's name.

    Declarations are compared by identity, which makes them cheap keys; `same_as` compares what scrapers see of them.
    Raises `DeclarationError` for a name, label, unit, topic or title that breaks the naming rules.
    """

    name: str
    help: str
    unit: Unit | str = Unit.NONE
    labels: tuple[str, ...] = ()
    topic: str = field(default="", kw_only=True)
    of: str = field(default="", kw_only=True)
    title: str = field(default="", kw_only=True)
    given_name: bool = field(default=False, kw_only=True)

    kind: ClassVar[Kind]

    def __post_init__(self) -> None:
        if not isinstance(self.labels, tuple):
            raise DeclarationError(f"{self.name}: labels must be a tuple of names, e.g. ('plug',)")
        if (problem := unit_problem(self.unit)) is not None:
            raise DeclarationError(f"{self.name}: {problem}")
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
        """Whether scrapers see the same: all but `topic`, `of` and `title`."""
        return (self.kind, self.name, self.help, self.unit, self.labels) == (
            other.kind,
            other.name,
            other.help,
            other.unit,
            other.labels,
        )

    def _problems(self) -> list[str]:
        no_help = [] if self.help.strip() else ["help is missing"]
        return [*self._name_problems(), *self._label_problems(), *no_help, *self._meaning_problems()]

    def _name_problems(self) -> list[str]:
        problems = []
        if not is_snake_case(self.name):
            problems.append("the name must be snake_case")
        if not self.name.endswith(self.suffix):
            problems.append(f"the name of a {self.kind} must end in {self.suffix}")
        if self.kind == "gauge" and self.name.endswith(("_total", "_info")):
            problems.append("the name of a gauge must not end in _total or _info")
        return problems if self.given_name else [*problems, *self._unit_problems()]

    def _unit_problems(self) -> list[str]:
        problems = []
        if self.unit and not self.base_name.endswith(f"_{self.unit}"):
            problems.append(f"the name must carry its unit: …_{self.unit}{self.suffix}")
        last = self.base_name.rpartition("_")[2]
        if last in _FORBIDDEN_ENDINGS and not self.base_name.endswith(f"_per_{last}"):
            problems.append(f"not …_{last}: use {_FORBIDDEN_ENDINGS[last]}")
        if not self.unit and last in set(Unit):
            problems.append(f"the name ends in {last}, so its unit is Unit.{last.upper()}")
        return problems

    def _label_problems(self) -> list[str]:
        problems = [f"label {label!r} must be snake_case" for label in self.labels if not is_snake_case(label)]
        problems += [f"label {label!r} is reserved" for label in self.labels if label in _FORBIDDEN_LABELS]
        if len(set(self.labels)) < len(self.labels):
            problems.append("a label is named twice")
        return problems

    def _meaning_problems(self) -> list[str]:
        words = {"topic": self.topic, "of": self.of}
        problems = [
            f"{name} {word!r} must be snake_case" for name, word in words.items() if word and not is_snake_case(word)
        ]
        if not isinstance(self.title, str) or self.title != " ".join(self.title.split()):
            problems.append("the title must be one line of text, with single blanks between its words")
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

    def __init__(
        self,
        name: str,
        help: str,
        labels: tuple[str, ...] = (),
        *,
        topic: str = "",
        of: str = "",
        title: str = "",
        given_name: bool = False,
    ) -> None:
        super().__init__(name, help, Unit.NONE, labels, topic=topic, of=of, title=title, given_name=given_name)


def check_alike(metric: Metric, source: str, known: Metric, owner: str) -> None:
    """Raise `DeclarationError` where two sources mean different things by one name."""
    if not known.same_as(metric):
        raise DeclarationError(
            f"{metric.name} is declared differently by {source} and {owner}: "
            "one name means one thing, so one of them has to change"
        )

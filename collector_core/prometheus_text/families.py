"""A text of Prometheus or OpenMetrics as metric families: its samples, put to what its comments say of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from collector_core.model.families import CREATED_TYPES, TYPE_ENDINGS, Family, Sample
from collector_core.prometheus_text.line import Comment
from collector_core.prometheus_text.reader import (
    MAX_SAMPLES,
    PrometheusTextError,
    SampleReader,
    numbered_samples,
)

CLASSIC_TYPES = {"untyped": "unknown", **{each: each for each in ("counter", "gauge", "histogram", "summary")}}
OPENMETRICS_TYPES = {each: each for each in TYPE_ENDINGS}

_ALL_ENDINGS = ("_total", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info", "_created")
_WITHOUT_PLAIN = frozenset({"counter", "histogram", "gaugehistogram", "info"})  # no sample has the family's own name
_SHOWN = 80  # characters of a name


def read_families(
    text: bytes | Iterable[bytes],
    *,
    openmetrics: bool = False,
    timestamps: bool = True,
    max_samples: int = MAX_SAMPLES,
) -> list[Family]:
    """The families of a text, each once, whatever the order of its lines; raises `PrometheusTextError`.

    `timestamps` False refuses lines that have one. Types are OpenMetrics' words: untyped is `unknown`. A counter whose
    name lacks `_total`, which only OpenMetrics demands, is `unknown` too and keeps its name.
    """
    reader = SampleReader(openmetrics=openmetrics, timestamps=timestamps, max_samples=max_samples)
    samples = list(numbered_samples(reader, text))
    grouping = _Grouping(openmetrics=openmetrics)
    for line, comment in reader.comments.items():
        grouping.describe(line, comment)
    for line, sample in samples:
        grouping.add(line, sample)
    return grouping.families()


@dataclass
class _Group:
    """What a text says of one family."""

    type: str = ""
    help: str | None = None
    unit: str | None = None
    samples: list[Sample] = field(default_factory=list)


class _Grouping:
    """Puts samples to their families, by what the comments say of them."""

    def __init__(self, *, openmetrics: bool) -> None:
        self._openmetrics = openmetrics
        self._types = OPENMETRICS_TYPES if openmetrics else CLASSIC_TYPES
        self._groups: dict[str, _Group] = {}

    def describe(self, line: int, comment: Comment) -> None:
        word, name, text = comment
        if word == "UNIT" and not self._openmetrics:
            return
        group = self._groups.setdefault(name, _Group())
        if group.type if word == "TYPE" else (group.help if word == "HELP" else group.unit) is not None:
            raise PrometheusTextError(line, f"a second {word} of {name[:_SHOWN]}")
        if word == "HELP":
            group.help = text
        elif word == "UNIT":
            group.unit = text
        elif text in self._types:
            group.type = self._types[text]
        else:
            raise PrometheusTextError(line, f"{text[:40]!r} is not a type of {self._format}")

    def add(self, line: int, sample: Sample) -> None:
        name = self._family_of(sample.name)
        group = self._groups.setdefault(name, _Group())
        if sample.name.removeprefix(name) not in self._endings(group.type):
            raise PrometheusTextError(line, f"{sample.name[:_SHOWN]} is not a sample of a {group.type}")
        group.samples.append(sample)

    def families(self) -> list[Family]:
        return [self._family(name, group) for name, group in self._groups.items() if group.samples]

    @property
    def _format(self) -> str:
        return "OpenMetrics" if self._openmetrics else "the text format"

    def _family_of(self, name: str) -> str:
        if name in self._groups:
            return name
        for ending in _ALL_ENDINGS:
            base = name.removesuffix(ending)
            if base != name and base in self._groups and ending in self._endings(self._groups[base].type):
                return base
        return name

    def _endings(self, kind: str) -> tuple[str, ...]:
        """What the names of a family's samples have beside its own name."""
        if kind == "counter" and not self._openmetrics:
            return ("",)
        endings = TYPE_ENDINGS.get(kind, ())
        if self._openmetrics and kind in CREATED_TYPES:
            endings += ("_created",)
        return endings if kind in _WITHOUT_PLAIN else ("", *endings)

    def _family(self, name: str, group: _Group) -> Family:
        kind = group.type or "unknown"
        if kind == "counter" and not self._openmetrics:
            kind, name = ("counter", name.removesuffix("_total")) if name.endswith("_total") else ("unknown", name)
        return Family(name, group.help or "", kind, group.unit or "", tuple(group.samples))

"""Metrics with all that is shown of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from collector_core.exposition.formats import ExpositionFormat
from collector_core.exposition.packing import BodyPart
from collector_core.model.families import metric_names
from collector_core.model.metrics import Metric

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

    from collector_core.exposition.sources import Source


@dataclass
class ShownFamily:
    """One metric of all sources, with its headers in both formats."""

    metric: Metric
    owner: str
    sources: list[Source] = field(default_factory=list)
    headers: dict[ExpositionFormat, bytes] = field(init=False)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = metric_names(self.metric)
        self.headers = {kind: _header(self.metric, kind) for kind in ExpositionFormat}

    @property
    def is_shown(self) -> bool:
        """Whether any source shows it."""
        return any(self.metric_of(source) in source.shown.blocks_of for source in self.sources)

    def metric_of(self, source: Source) -> Metric:
        """As a source declares it."""
        return source.declared[self.metric.base_name]

    def as_prometheus_client(self) -> Family:
        """As prometheus_client's own object."""
        from prometheus_client import Metric as Family  # noqa: PLC0415 - most do without

        metric = self.metric
        family = Family(metric.base_name, metric.help, metric.kind, _shown_unit(metric))
        for source in self.sources:
            for labels, value in source.shown.samples(self.metric_of(source)):
                family.add_sample(self.metric.name, labels, value)
        return family


class FamilyRun:
    """Neighbouring families that have the same sources.

    Which of the sources' blocks belong to which family is found out once for each layout; a body is then made by
    picking them in that order.
    """

    def __init__(self, sources: Sequence[Source], families: Sequence[ShownFamily]) -> None:
        self._sources = sources
        self._families = families
        self._blocks_of: list[Mapping[Metric, tuple[int, int]]] = []
        self._headers: dict[ExpositionFormat, list[bytes]] = {}
        self._pick: Callable[[list[bytes]], Sequence[bytes]] = _nothing

    def part(self, kind: ExpositionFormat) -> BodyPart:
        """The headers and lines that are shown now."""
        blocks_of = [source.shown.blocks_of for source in self._sources]
        if blocks_of != self._blocks_of:
            self._arrange(blocks_of)
        pieces = self._headers[kind].copy()
        for source in self._sources:
            pieces += source.shown.blocks
        return BodyPart((self, *[source.version for source in self._sources]), self._pick(pieces))

    def _arrange(self, blocks_of: list[Mapping[Metric, tuple[int, int]]]) -> None:
        """Find the order of what stands in `part`: first the headers, then the blocks of all sources."""
        shown = [family for family in self._families if family.is_shown]
        order: list[int] = []
        for number, family in enumerate(shown):
            order.append(number)
            start = len(shown)
            for source in self._sources:
                first, last = source.shown.blocks_of.get(family.metric_of(source), (0, 0))
                order += range(start + first, start + last)
                start += len(source.shown.blocks)
        self._headers = {kind: [family.headers[kind] for family in shown] for kind in ExpositionFormat}
        self._pick = itemgetter(*order) if order else _nothing
        self._blocks_of = blocks_of


def _nothing(pieces: list[bytes]) -> Sequence[bytes]:
    del pieces
    return ()


def _header(metric: Metric, kind: ExpositionFormat) -> bytes:
    """The lines above a metric's series, as prometheus_client writes them."""
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    if kind is ExpositionFormat.TEXT:
        kind_word = "gauge" if metric.kind == "info" else metric.kind
        return f"# HELP {metric.name} {text}\n# TYPE {metric.name} {kind_word}\n".encode()
    name, unit = metric.base_name, _shown_unit(metric)
    text = text.replace('"', r"\"")
    unit_line = f"# UNIT {name} {unit}\n" if unit else ""
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n{unit_line}".encode()


def _shown_unit(metric: Metric) -> str:
    """OpenMetrics knows a unit only as the end of the name, which a given name need not have."""
    return metric.unit if metric.base_name.endswith(f"_{metric.unit}") else ""

"""A metric with all that is shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import Metric as Family

from collector_core.exposition.foreign import generate
from collector_core.exposition.formats import Format
from collector_core.model.families import metric_names
from collector_core.model.metrics import Metric

if TYPE_CHECKING:
    from collector_core.exposition.sources import Source


@dataclass
class ShownFamily:
    """One metric of all sources, with its headers in both formats."""

    metric: Metric
    owner: str
    sources: list[Source] = field(default_factory=list)
    headers: dict[Format, bytes] = field(init=False)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = metric_names(self.metric)
        self.headers = {kind: generate([self._empty()], kind) for kind in Format}

    def pieces(self, kind: Format) -> list[bytes]:
        """Header and lines; nothing where no source shows any."""
        blocks = self.blocks()
        return [self.headers[kind], *blocks] if blocks else blocks

    def blocks(self) -> list[bytes]:
        """The lines of all sources."""
        name = self.metric.base_name
        found: list[bytes] = []
        for source in self.sources:
            shown = source.shown
            first, last = shown.blocks_of.get(source.declared[name], (0, 0))
            found += shown.blocks[first:last]
        return found

    def as_prometheus_client(self) -> Family:
        """As prometheus_client's own object."""
        family = self._empty()
        for source in self.sources:
            for labels, value in source.shown.samples(source.declared[self.metric.base_name]):
                family.add_sample(self.metric.name, labels, value)
        return family

    def _empty(self) -> Family:
        return Family(self.metric.base_name, self.metric.help, self.metric.kind, self.metric.unit)

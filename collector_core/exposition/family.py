"""A metric with all that is shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector_core.exposition.formats import ExpositionFormat
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

    def pieces(self, kind: ExpositionFormat) -> list[bytes]:
        """Header and lines of all sources; nothing where no source shows any."""
        found = [self.headers[kind]]
        name = self.metric.base_name
        for source in self.sources:
            shown = source.shown
            first, last = shown.blocks_of.get(source.declared[name], (0, 0))
            found += shown.blocks[first:last]
        return found if len(found) > 1 else []

    @property
    def is_shown(self) -> bool:
        """Whether any source shows it."""
        return bool(self.pieces(ExpositionFormat.TEXT))

    def as_prometheus_client(self) -> Family:
        """As prometheus_client's own object."""
        from prometheus_client import Metric as Family  # noqa: PLC0415 - most do without

        metric = self.metric
        family = Family(metric.base_name, metric.help, metric.kind, _shown_unit(metric))
        for source in self.sources:
            for labels, value in source.shown.samples(source.declared[self.metric.base_name]):
                family.add_sample(self.metric.name, labels, value)
        return family


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

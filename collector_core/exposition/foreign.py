"""Families of foreign code: those of prometheus_client collectors, and those that our sources publish."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector as ForeignCollector
from prometheus_client.samples import Sample

from collector_core.errors import describe
from collector_core.exposition.foreign_families import ForeignFamilies
from collector_core.exposition.formats import END_OF_OPENMETRICS, ExpositionFormat
from collector_core.model.families import Families
from collector_core.model.families import Family as FrozenFamily

log = logging.getLogger(__name__)


class Registry(CollectorRegistry):
    """A prometheus_client registry of `ours`, which keeps the collectors that join it apart."""

    def __init__(self, ours: Any) -> None:
        super().__init__(auto_describe=True)
        super().register(ours)
        self.foreign: list[ForeignCollector] = []
        self._failing: set[int] = set()

    def register(self, collector: ForeignCollector) -> None:
        """Let a collector join; raises `ValueError` when one of its names is taken."""
        super().register(collector)
        self.foreign.append(collector)

    def unregister(self, collector: ForeignCollector) -> None:
        """Remove a collector that has joined."""
        super().unregister(collector)
        self.foreign.remove(collector)

    def foreign_text(self, kind: ExpositionFormat) -> bytes:
        """What the foreign collectors say now; one that raises is left out and logged once."""
        families = [family for collector in self.foreign for family in self._collect(collector)]
        return generate(families, kind)

    def _collect(self, collector: ForeignCollector) -> list[Family]:
        try:
            families = [_without_created(family) for family in collector.collect()]
        except Exception as error:  # noqa: BLE001 - whatever it raises is its own affair
            if id(collector) not in self._failing:
                log.warning("foreign collector %s left out: %s", type(collector).__name__, describe(error))
            self._failing.add(id(collector))
            return []
        self._failing.discard(id(collector))
        return families


def render_foreign(families: Sequence[FrozenFamily], labels: Mapping[str, str]) -> ForeignFamilies:
    """Raises `ReadingError` when series can no longer be told apart with `labels` added."""
    labelled = Families()
    for family in families:
        labelled.add(family.with_labels(labels) if labels else family)
    shown = labelled.joined()
    texts = {kind: generate([thaw(family) for family in shown], kind) for kind in ExpositionFormat}
    return ForeignFamilies(shown, frozenset(name for family in shown for name in family.names), texts)


def thaw(family: FrozenFamily) -> Family:
    """As prometheus_client's own object."""
    thawed = Family(family.name, family.documentation, family.type, family.unit)
    thawed.samples = [Sample(*sample) for sample in family.samples]  # type: ignore[arg-type]
    return thawed


@dataclass
class _Listed:
    """What `generate_latest` needs of a registry."""

    families: list[Family]

    def collect(self) -> Iterable[Family]:
        return self.families


def generate(families: list[Family], kind: ExpositionFormat) -> bytes:
    """prometheus_client's own rendering, without OpenMetrics' closing line."""
    listed: Any = _Listed(families)
    if kind is ExpositionFormat.TEXT:
        return generate_latest(listed)
    text: bytes = generate_openmetrics(listed)  # type: ignore[no-untyped-call]
    return text.removesuffix(END_OF_OPENMETRICS)


def _without_created(family: Family) -> Family:
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family

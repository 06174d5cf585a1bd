"""Snapshots → lines: rendered once per run, and only what has changed since the run before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collector_core.exposition.block_writers import block_writer_type
from collector_core.exposition.foreign_families import NO_FOREIGN, ForeignFamilies
from collector_core.exposition.line_heads import KnownLines, layout_blocks
from collector_core.model.labels import label_writer
from collector_core.model.metrics import Metric
from collector_core.model.readings import NOTHING, Layout, Snapshot, all_labels


@dataclass(frozen=True, slots=True)
class Rendered:
    """A snapshot with its lines in blocks; never changed. `blocks_of` says which blocks are a metric's."""

    snapshot: Snapshot
    labels: Mapping[str, str]
    blocks: list[bytes]
    blocks_of: Mapping[Metric, tuple[int, int]]
    foreign: ForeignFamilies = NO_FOREIGN

    @property
    def layout(self) -> Layout:
        """The snapshot's."""
        return self.snapshot.layout

    def samples(self, metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
        """All labels and the value of every series of a metric."""
        for key, value in self.snapshot.series(metric):
            yield all_labels(metric, self.labels, key), value

    def identities(self, metric: Metric) -> set[str]:
        """What tells the series of a metric apart: their labels, as rendered."""
        return set(map(label_writer(self.labels, metric.labels), self.layout.places.get(metric, ())))


NOTHING_RENDERED = Rendered(NOTHING, {}, [], {})


class Renderer:
    """Renders the snapshots of one source; only blocks with changed values are written anew."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._writer_type = block_writer_type()
        self._writer = self._writer_type([])
        self._last = NOTHING_RENDERED

    def render(self, snapshot: Snapshot) -> Rendered:
        """The lines of `snapshot`."""
        last = self._last
        blocks_of = last.blocks_of
        foreign = last.foreign
        if snapshot.families != last.snapshot.families:
            from collector_core.exposition.foreign import render_foreign  # noqa: PLC0415 - with prometheus_client

            foreign = render_foreign(snapshot.families, self._labels)
        writer = self._writer
        if snapshot.layout is not last.layout:
            blocks, blocks_of = layout_blocks(snapshot.layout, self._labels, self._writer_type, self._known_lines)
            writer = self._writer_type(blocks)
        texts = writer.write(snapshot.values)
        if texts is last.blocks and foreign is last.foreign:
            return last
        self._writer, self._last = writer, Rendered(snapshot, self._labels, texts, blocks_of, foreign)
        return self._last

    def _known_lines(self, metric: Metric) -> KnownLines:
        keys = self._last.layout.places.get(metric, ())
        return KnownLines(keys, self._writer.kept(*self._last.blocks_of.get(metric, (0, 0))))

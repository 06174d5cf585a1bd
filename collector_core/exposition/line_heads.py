"""Layouts → lines without their values, in blocks that are written together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.readings import Layout, all_labels


@dataclass(frozen=True, slots=True)
class Block:
    """Some series of one metric: their places in the values, and what stands before each value, a line each."""

    start: int
    end: int
    heads: str


def layout_blocks(
    layout: Layout, labels: Mapping[str, str], size: int
) -> tuple[list[Block], dict[Metric, tuple[int, int]]]:
    """All blocks of a layout, of at most `size` series each, and which of them are a metric's.

    `labels` are added to every series.
    """
    blocks: list[Block] = []
    blocks_of = {}
    for metric in layout.metrics:
        first = len(blocks)
        blocks += _metric_blocks(metric, layout, labels, size)
        blocks_of[metric] = first, len(blocks)
    return blocks, blocks_of


def _metric_blocks(metric: Metric, layout: Layout, labels: Mapping[str, str], size: int) -> Iterator[Block]:
    start, end = layout.spans[metric]
    heads = [f"{metric.name}{label_text(all_labels(metric, labels, key))}\n" for key in layout.places[metric]]
    for place in range(start, end, size):
        yield Block(place, min(place + size, end), "".join(heads[place - start : place - start + size]))

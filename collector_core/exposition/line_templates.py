"""Layouts → templates of lines, in blocks that are formatted together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.readings import Layout, all_labels

BLOCK = 16  # series that are formatted together; small enough that one changed value costs little


@dataclass(frozen=True, slots=True)
class TemplateBlock:
    """Up to `BLOCK` series of one metric: their places in the values, and their lines with room for the values."""

    start: int
    end: int
    template: str


def layout_blocks(
    layout: Layout, labels: Mapping[str, str]
) -> tuple[list[TemplateBlock], dict[Metric, tuple[int, int]]]:
    """All blocks of a layout with `labels` added to every series, and which of them are a metric's."""
    blocks: list[TemplateBlock] = []
    blocks_of = {}
    for metric in layout.metrics:
        first = len(blocks)
        blocks += _metric_blocks(metric, layout, labels)
        blocks_of[metric] = first, len(blocks)
    return blocks, blocks_of


def _metric_blocks(metric: Metric, layout: Layout, labels: Mapping[str, str]) -> Iterator[TemplateBlock]:
    start, end = layout.spans[metric]
    texts = [label_text(all_labels(metric, labels, key)).replace("%", "%%") for key in layout.places[metric]]
    for place in range(start, end, BLOCK):
        lines = (f"{metric.name}{text} %s\n" for text in texts[place - start : place - start + BLOCK])
        yield TemplateBlock(place, min(place + BLOCK, end), "".join(lines))

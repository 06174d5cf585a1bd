"""Layouts → lines without their values, in blocks that are written together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from collector_core.model.labels import label_writer
from collector_core.model.metrics import Metric
from collector_core.model.readings import Key, Layout


@dataclass(frozen=True, slots=True)
class Block:
    """Some series of one metric: their places in the values, and what stands before each value, a line each."""

    start: int
    end: int
    heads: str


def layout_blocks(
    layout: Layout, labels: Mapping[str, str], size: int, known: Callable[[Metric], Mapping[Key, str]]
) -> tuple[list[Block], dict[Metric, tuple[int, int]]]:
    """All blocks of a layout, of at most `size` series each, and which of them are a metric's.

    `labels` are added to every series; `known` has what stands before the values of a metric as far as it was made
    before.
    """
    blocks: list[Block] = []
    blocks_of = {}
    for metric in layout.metrics:
        first, before, shown = len(blocks), known(metric), label_writer(labels, metric.labels)
        heads = [before.get(key) or metric.name + shown(key) for key in layout.places[metric]]
        blocks += _blocks(heads, layout.spans[metric][0], size)
        blocks_of[metric] = first, len(blocks)
    return blocks, blocks_of


def _blocks(heads: Sequence[str], start: int, size: int) -> Iterator[Block]:
    for first in range(0, len(heads), size):
        part = heads[first : first + size]
        yield Block(start + first, start + first + len(part), "\n".join([*part, ""]))

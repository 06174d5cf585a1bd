"""Layouts → lines with room for their values, in blocks that are written together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, NamedTuple, Protocol

from collector_core.model.labels import label_writer
from collector_core.model.metrics import Metric
from collector_core.model.readings import Key, Layout


class LineForm(Protocol):
    """How lines have room for values; each writer of blocks has its own way."""

    block_size: ClassVar[int]
    """Most series of a block."""

    @staticmethod
    def lines(heads: Sequence[str]) -> bytes:
        """The lines of a block, from what stands before each value."""
        ...

    @staticmethod
    def heads(lines: bytes) -> Sequence[str]:
        """What stands before each value of these lines."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Some series of one metric: their places in the values, and their lines with room for these."""

    start: int
    end: int
    lines: bytes


class KnownLines(NamedTuple):
    """The series of a metric in the layout before, and the lines of its blocks."""

    keys: Collection[Key]
    blocks: Sequence[bytes]


def layout_blocks(
    layout: Layout, labels: Mapping[str, str], form: type[LineForm], known: Callable[[Metric], KnownLines]
) -> tuple[list[Block], dict[Metric, tuple[int, int]]]:
    """All blocks of a layout, and which of them are a metric's. `labels` are added to every series."""
    blocks: list[Block] = []
    blocks_of = {}
    for metric in layout.metrics:
        first = len(blocks)
        lines = _lines(metric, layout.places[metric], labels, form, known(metric))
        blocks += _blocks(lines, *layout.spans[metric], form.block_size)
        blocks_of[metric] = first, len(blocks)
    return blocks, blocks_of


def _lines(
    metric: Metric, keys: Collection[Key], labels: Mapping[str, str], form: type[LineForm], known: KnownLines
) -> Sequence[bytes]:
    """The lines of each block of a metric; what was made for the layout before serves again."""
    if list(keys) == list(known.keys):
        return known.blocks
    before = dict(zip(known.keys, chain.from_iterable(map(form.heads, known.blocks)), strict=True))
    shown = label_writer(labels, metric.labels)
    heads = [before.get(key) or metric.name + shown(key) for key in keys]
    return [form.lines(heads[first : first + form.block_size]) for first in range(0, len(heads), form.block_size)]


def _blocks(lines: Sequence[bytes], start: int, end: int, size: int) -> Iterator[Block]:
    for place, each in zip(range(start, end, size), lines, strict=True):
        yield Block(place, min(place + size, end), each)

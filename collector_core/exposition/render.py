"""Snapshots → lines: rendered once per run, and only what has changed since the run before."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from struct import Struct

from collector_core.exposition.foreign_families import NO_FOREIGN, ForeignFamilies
from collector_core.exposition.line_templates import BLOCK, TemplateBlock, layout_blocks
from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.readings import NOTHING, Layout, Snapshot, all_labels

GO_EXPONENT = 1e6  # from here on prometheus_client writes 1.5e+06 where Python writes 1500000.0
EXACT = 1e16  # whole numbers below are written with all their digits
_EXPONENTS = [f"e+{digits - 1:02}" for digits in range(18)]
_FLOAT_BYTES = array("d").itemsize
_SINGLE_VALUES = [Struct(f"{_FLOAT_BYTES}s" * count) for count in range(BLOCK + 1)]
FEW = 4  # values of a block; where more have changed, writing all its lines costs less than mending them


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
        return {label_text(labels) for labels, _ in self.samples(metric)}


NOTHING_RENDERED = Rendered(NOTHING, {}, [], {})


def _text(block: TemplateBlock, values: Sequence[float]) -> bytes:
    """A block's lines as prometheus_client writes them; `%s` of a float is already that below `GO_EXPONENT`."""
    part = values[block.start : block.end]
    if max(part) < GO_EXPONENT:
        return (block.template % tuple(part)).encode()
    return (block.template % tuple([value if value < GO_EXPONENT else _large(value) for value in part])).encode()


def _mended(block: TemplateBlock, text: bytes, old: array[float], new: array[float]) -> bytes:
    """A block's lines, of which `text` has those of the values before."""
    single = _SINGLE_VALUES[block.end - block.start]
    pairs = zip(single.unpack(old[block.start : block.end]), single.unpack(new[block.start : block.end]), strict=True)
    changed = [number for number, (before, after) in enumerate(pairs) if before != after]
    if len(changed) > FEW:
        return _text(block, new)
    lines = text.split(b"\n")
    for number in changed:
        value = new[block.start + number]
        shown = f"{value if value < GO_EXPONENT else _large(value)}"
        lines[number] = b"%b %b" % (lines[number].rpartition(b" ")[0], shown.encode())
    return b"\n".join(lines)


def _large(value: float) -> str:
    """As prometheus_client's `floatToGoString` from `GO_EXPONENT` on; whole numbers in a third of its time."""
    if value == inf:
        return "+Inf"
    if value < EXACT and value.is_integer():
        digits = str(int(value))
        return f"{digits[0]}.{digits[1:]}".rstrip("0.") + _EXPONENTS[len(digits)]
    text = repr(value)
    whole, dot, fraction = text.partition(".")
    if not dot or "e" in fraction:
        return text
    return f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.") + _EXPONENTS[len(whole)]


class Renderer:
    """Renders the snapshots of one source; only blocks with changed values are formatted anew."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._blocks: list[TemplateBlock] = []
        self._bytes_of_blocks = Struct("").unpack
        self._last = NOTHING_RENDERED

    def render(self, snapshot: Snapshot) -> Rendered:
        """The lines of `snapshot`."""
        last = self._last
        blocks_of = last.blocks_of
        foreign = last.foreign
        if snapshot.families != last.snapshot.families:
            from collector_core.exposition.foreign import render_foreign  # noqa: PLC0415 - with prometheus_client

            foreign = render_foreign(snapshot.families, self._labels)
        if snapshot.layout is not last.layout:
            self._blocks, blocks_of = layout_blocks(snapshot.layout, self._labels)
            sizes = (_FLOAT_BYTES * (block.end - block.start) for block in self._blocks)
            self._bytes_of_blocks = Struct("".join(f"{size}s" for size in sizes)).unpack
            values = snapshot.values.tolist()
            texts = [_text(block, values) for block in self._blocks]
        elif snapshot.values != last.snapshot.values:
            texts = self._mend(last, snapshot.values)
        elif foreign is last.foreign:
            return last
        else:
            texts = last.blocks
        self._last = Rendered(snapshot, self._labels, texts, blocks_of, foreign)
        return self._last

    def _mend(self, last: Rendered, values: array[float]) -> list[bytes]:
        """The lines of all blocks; `last` has those whose values are as they were."""
        texts, old = last.blocks.copy(), last.snapshot.values
        changed = self._changed(old, values)
        if len(changed) > len(texts) / 2:
            floats = values.tolist()  # all at once, which is much faster than slice by slice
            for number in changed:
                texts[number] = _text(self._blocks[number], floats)
            return texts
        for number in changed:
            texts[number] = _mended(self._blocks[number], texts[number], old, values)
        return texts

    def _changed(self, old: array[float], new: array[float]) -> list[int]:
        """Numbers of the blocks that differ; raw bytes compare several times faster than floats."""
        pairs = zip(self._bytes_of_blocks(old), self._bytes_of_blocks(new), strict=True)
        return [number for number, (before, after) in enumerate(pairs) if before != after]

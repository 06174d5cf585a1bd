"""Values → the lines of blocks, as prometheus_client writes them; by the compiled part where it runs."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from math import inf
from struct import Struct
from typing import ClassVar, Protocol

from collector_core import _speed
from collector_core.exposition.line_heads import Block, LineForm

GO_EXPONENT = 1e6  # from here on prometheus_client writes 1.5e+06 where Python writes 1500000.0
EXACT = 1e16  # whole numbers below are written with all their digits
GROUP = 16  # series that the compiled part compares together
_EXPONENTS = [f"e+{digits - 1:02}" for digits in range(18)]
_FLOAT_BYTES = array("d").itemsize
FEW = 4  # values of a block; where more have changed, writing all its lines costs less than mending them


class BlockWriter(LineForm, Protocol):
    """Writes the blocks of one layout, again and again; what has not changed since the last time stays."""

    def __init__(self, blocks: Sequence[Block]) -> None: ...

    def write(self, values: array[float]) -> list[bytes]:
        """The lines of each block; the same list as the last time where all values are the same."""

    def kept(self, first: int, end: int) -> Sequence[bytes]:
        """Lines with room for values of the blocks from `first` to before `end`."""


def block_writer_type() -> type[BlockWriter]:
    """The fastest that there is here."""
    return PythonWriter if _speed.write_blocks is None else CompiledWriter


class CompiledWriter:
    """Hands the work to the compiled part, which finds what has changed by itself: large blocks are joined faster."""

    block_size: ClassVar = 256

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._texts = [block.lines for block in blocks]  # what stands in place of a value is of no matter
        self._ends = array("q", [block.end for block in blocks])
        self._group_ends = array("q", [0]) * sum(-(-(block.end - block.start) // GROUP) for block in blocks)
        self._values = array("d")

    def write(self, values: array[float]) -> list[bytes]:
        """See `BlockWriter`."""
        if not values:
            return self._texts
        assert _speed.write_blocks is not None  # noqa: S101 - this class would not have been chosen
        group_ends = self._group_ends[:]
        texts = _speed.write_blocks(self._texts, self._ends, values, self._values, group_ends)
        self._values, self._texts, self._group_ends = values, texts, group_ends
        return texts

    def kept(self, first: int, end: int) -> Sequence[bytes]:
        """See `BlockWriter`."""
        return self._texts[first:end]

    @staticmethod
    def lines(heads: Sequence[str]) -> bytes:
        """See `LineForm`."""
        return " -\n".join([*heads, ""]).encode()

    @staticmethod
    def heads(lines: bytes) -> Sequence[str]:
        """See `LineForm`."""
        return [line.rpartition(" ")[0] for line in lines.decode().split("\n")[:-1]]


class PythonWriter:
    """Formats the blocks that have changed, and mends those in which little has."""

    block_size: ClassVar = 16  # small enough that one changed value costs little

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = [_Template(block) for block in blocks]
        sizes = (_FLOAT_BYTES * (block.end - block.start) for block in blocks)
        self._bytes_of_blocks = Struct("".join(f"{size}s" for size in sizes)).unpack
        self._values = array("d")
        self._texts: list[bytes] = []

    def write(self, values: array[float]) -> list[bytes]:
        """See `BlockWriter`."""
        self._texts, self._values = self._rewritten(values), values
        return self._texts

    def kept(self, first: int, end: int) -> Sequence[bytes]:
        """See `BlockWriter`."""
        return [block.lines for block in self._blocks[first:end]]

    @staticmethod
    def lines(heads: Sequence[str]) -> bytes:
        """See `LineForm`."""
        return "\n".join([*heads, ""]).replace("%", "%%").replace("\n", " %s\n").encode()

    @staticmethod
    def heads(lines: bytes) -> Sequence[str]:
        """See `LineForm`."""
        return (lines.decode().replace(" %s\n", "\n") % ()).split("\n")[:-1]

    def _rewritten(self, values: array[float]) -> list[bytes]:
        if len(self._values) != len(values):  # they are the first
            floats = values.tolist()  # all at once, which is much faster than slice by slice
            return [block.text(floats) for block in self._blocks]
        changed = self._changed(values)
        if not changed:
            return self._texts
        texts = self._texts.copy()
        if len(changed) > len(texts) / 2:
            floats = values.tolist()
            for number in changed:
                texts[number] = self._blocks[number].text(floats)
            return texts
        for number in changed:
            texts[number] = self._blocks[number].mended(texts[number], self._values, values)
        return texts

    def _changed(self, values: array[float]) -> list[int]:
        """Numbers of the blocks that differ; raw bytes compare several times faster than floats."""
        pairs = zip(self._bytes_of_blocks(self._values), self._bytes_of_blocks(values), strict=True)
        return [number for number, (before, after) in enumerate(pairs) if before != after]


class _Template:
    """A block's lines with room for the values."""

    __slots__ = ("_end", "_start", "lines")

    def __init__(self, block: Block) -> None:
        self._start, self._end = block.start, block.end
        self.lines = block.lines

    def text(self, values: Sequence[float]) -> bytes:
        """With `values` as prometheus_client writes them; `%s` of a float is already that below `GO_EXPONENT`."""
        part = values[self._start : self._end]
        if max(part) < GO_EXPONENT:
            return (self.lines.decode() % tuple(part)).encode()
        shown = [value if value < GO_EXPONENT else _large(value) for value in part]
        return (self.lines.decode() % tuple(shown)).encode()

    def mended(self, text: bytes, old: array[float], new: array[float]) -> bytes:
        """With the values `new`, where `text` has those of the values `old`."""
        single = _single_values(self._end - self._start)
        before, after = single.unpack(old[self._start : self._end]), single.unpack(new[self._start : self._end])
        changed = [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        if len(changed) > FEW:
            return self.text(new)
        lines = text.split(b"\n")
        for number in changed:
            value = new[self._start + number]
            shown = f"{value if value < GO_EXPONENT else _large(value)}"
            lines[number] = b"%b %b" % (lines[number].rpartition(b" ")[0], shown.encode())
        return b"\n".join(lines)


@cache
def _single_values(count: int) -> Struct:
    return Struct(f"{_FLOAT_BYTES}s" * count)


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

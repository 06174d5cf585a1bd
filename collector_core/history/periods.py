"""Which parts of a period are answered from which tier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import DELETED, SUMMED, HistoryReader
from collector_core.history.tiers import Steps, floor_to, regroup, summarize

RAW = 0


class Piece(NamedTuple):
    """A part of a period, and the step of the tier that knows it; `RAW` are the readings themselves."""

    tier: int
    start: int
    end: int


def pieces(store: HistoryReader, start: int, end: int, step: int) -> list[Piece]:
    """The parts of a period, in the order of time, for an answer by `step` milliseconds.

    As much as possible comes from the coarsest tier of which the step is a multiple, what begins or ends within its
    steps from finer ones, down to the readings. Where these are deleted, and no tier fits, the finest one that is left
    has to do.
    """
    fitting = [tier for tier in sorted(store.tiers, reverse=True) if step % tier == 0]
    covered = list(_cover(store, start, end, fitting))
    found, last = list[Piece](), start
    for piece in [*covered, Piece(RAW, end, end)]:
        found += _fill(store, last, piece.start)
        found += [piece] if piece.start < piece.end else []
        last = piece.end
    return found


def read_steps(store: HistoryReader, number: int, kept: KeptSeries, parts: Sequence[Piece], step: int) -> Steps:
    """A series by `step`, from the parts of a period."""
    starts = store.starts() if any(part.tier == RAW for part in parts) else ()
    found: Steps = {}
    for tier, start, end in parts:
        if tier == RAW:
            readings = store.around(number, start, end)
            new = summarize(readings, step, start, end, gap=kept.gap, breaks=starts)
        elif tier == step:
            new = dict(store.summaries.read(number, tier, start, end))
        else:
            new = regroup(store.summaries.read(number, tier, start, end), step)
        for time, summary in new.items():
            if time in found:
                found[time].merge(summary)
            else:
                found[time] = summary
    return found


def _cover(store: HistoryReader, start: int, end: int, tiers: Sequence[int]) -> Iterator[Piece]:
    if start >= end:
        return
    if not tiers:
        start = max(start, store.mark(DELETED))
        yield Piece(RAW, min(start, end), end)
        return
    tier, *finer = tiers
    first = -floor_to(-max(start, store.tiers[tier]), tier)
    last = floor_to(min(end, store.mark(SUMMED)), tier)
    if first >= last:
        yield from _cover(store, start, end, finer)
        return
    yield from _cover(store, start, first, finer)
    yield Piece(tier, first, last)
    yield from _cover(store, last, end, finer)


def _fill(store: HistoryReader, start: int, end: int) -> list[Piece]:
    """A part whose readings are deleted: from the finest tier, and what is too old for that from coarser ones."""
    found = list[Piece]()
    for tier, since in sorted(store.tiers.items()):
        first = max(start, since)
        if first < end:
            found.append(Piece(tier, first, end))
            end = first
    return found[::-1]

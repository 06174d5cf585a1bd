"""Values that hold from one moment to another, such as prices of quarters of an hour."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

HOUR = 3600.0
MOST_SLOTS = 2000
LONGEST_SLOT = 86_400.0
WHOLE = 0.999  # of a period that must be known for its mean


class Slot(NamedTuple):
    """A value from `start` until `end`, in seconds since 1970."""

    start: float
    end: float
    value: float


class Curve:
    """Slots in the order of time; where two overlap, the one that was added later holds."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self._starts: list[float] = []

    @property
    def slots(self) -> Sequence[Slot]:
        """All of them."""
        return self._slots

    def add(self, slots: Iterable[Slot], now: float) -> None:
        """Take slots, newer than those before; what ended an hour ago is forgotten."""
        new = sorted(slot for slot in slots if _is_possible(slot))[:MOST_SLOTS]
        kept = [slot for slot in self._slots if slot.end > now - HOUR]
        if new:
            first, last = new[0].start, max(slot.end for slot in new)
            before = [slot._replace(end=min(slot.end, first)) for slot in kept if slot.start < first]
            kept = [*before, *(slot._replace(start=max(slot.start, last)) for slot in kept if slot.end > last)]
        self._slots = sorted([*kept, *_without_overlaps(new)])
        self._starts = [slot.start for slot in self._slots]

    def at(self, time: float) -> float | None:
        """The value that holds then."""
        index = bisect.bisect_right(self._starts, time) - 1
        slot = self._slots[index] if index >= 0 else None
        return slot.value if slot and slot.start <= time < slot.end else None

    def mean(self, start: float, end: float) -> float | None:
        """The mean of a period; None where it is not known whole."""
        area = known = 0.0
        for slot in self._slots:
            seconds = min(slot.end, end) - max(slot.start, start)
            if seconds > 0:
                area, known = area + seconds * slot.value, known + seconds
        return float(f"{area / known:.9g}") if known >= (end - start) * WHOLE else None


def seconds_of(text: object) -> float:
    """A time of RFC 3339 in seconds since 1970; raises `ValueError`, and `TypeError` for what is no text."""
    if not isinstance(text, str):
        raise TypeError("not a time")
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.timestamp()


def until_the_next(starts: Iterable[tuple[float, float]]) -> Iterator[Slot]:
    """Slots of (start, value), each of which ends where the next begins; the last is as long as the one before."""
    ordered = sorted(dict(starts).items())
    last = HOUR
    for (start, value), (end, _) in pairwise(ordered):
        last = min(end - start, HOUR)
        yield Slot(start, start + last, value)
    if ordered:
        start, value = ordered[-1]
        yield Slot(start, start + last, value)


def hour_of(time: float) -> float:
    """The beginning of the hour."""
    return time - time % HOUR


def _is_possible(slot: Slot) -> bool:
    return all(map(isfinite, slot)) and 0 < slot.end - slot.start <= LONGEST_SLOT


def _without_overlaps(slots: Sequence[Slot]) -> Iterator[Slot]:
    for slot, following in pairwise(slots):
        if following.start > slot.start:
            yield slot._replace(end=min(slot.end, following.start))
    yield from slots[-1:]

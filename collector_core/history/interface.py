"""What a store of the history is, whatever keeps it: who asks and who records know nothing else of it.

Times and steps are in milliseconds, periods half-open. A series has a number within its store.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from collector_core.history.catalogue import KeptSeries
from collector_core.history.points import Point, Points
from collector_core.history.tiers import Steps, StepSummary
from collector_core.model.selector import Selector

Columns = list[list[Any]]

EVER = 1 << 62  # later than every time

SUMMED = "summed"  # marks: the hour up to which the tiers are complete,
DELETED = "deleted"  # the time up to which readings were deleted
TIER = "tier "  # with a tier's step: since when it is complete


class Event(NamedTuple):
    """Something that happened, at a time in milliseconds."""

    time: int
    kind: str
    source: str
    text: str


class HistorySample(NamedTuple):
    """A reading of a series at a time in milliseconds, with a counter's rise; NaN: as the store finds it to be."""

    kept: KeptSeries
    time: int
    value: float
    rise: float


@dataclass(frozen=True, eq=False)
class SeriesGroup:
    """Series that are read together, the first `counters` of which are counters; never changed."""

    kept: Sequence[KeptSeries]
    counters: int


class Batch(NamedTuple):
    """Readings of a group of series: `values` has a row of all of them for each time, `rises` one of its counters.

    Times are in milliseconds and rise; rises may be NaN as in `HistorySample`.
    """

    group: SeriesGroup
    times: array[int]
    values: array[float]
    rises: array[float]

    def samples(self) -> Iterator[HistorySample]:
        """The same, reading by reading."""
        kept, counters = self.group.kept, self.group.counters
        values, rises = iter(self.values), iter(self.rises)
        for time in self.times:
            for place, series in enumerate(kept):
                yield HistorySample(series, time, next(values), next(rises) if place < counters else 0.0)


class SeriesIndex(Protocol):
    """The series of a store with their numbers, in the order of their texts."""

    def __iter__(self) -> Iterator[tuple[int, KeptSeries]]: ...

    def find(self, text: str) -> tuple[int, KeptSeries] | None:
        """The number of a series and what is known of it."""
        ...

    def select(self, selector: Selector | None) -> list[tuple[int, KeptSeries]]:
        """The series that are meant, all without a selector."""
        ...


class Summaries(Protocol):
    """The tiers: summaries of each series by step."""

    def read(self, series: int, step: int, start: int, end: int) -> Iterator[tuple[int, StepSummary]]:
        """Those of the steps that begin from `start` to before `end`, in the order of time."""
        ...

    def read_columns(self, series: int, step: int, start: int, end: int, names: Sequence[str]) -> Columns:
        """The same, as a column of times and one of each of these numbers (of `tiers.COLUMNS`, or `MEAN`)."""
        ...


class HistoryReader(Protocol):
    """What answers questions. All methods raise `StorageError`."""

    @property
    def catalogue(self) -> SeriesIndex:
        """The series that there are."""
        ...

    @property
    def summaries(self) -> Summaries:
        """What the tiers have."""
        ...

    @property
    def tiers(self) -> Mapping[int, int]:
        """The tiers that there are: since when each is complete, by its step."""
        ...

    def mark(self, name: str) -> int:
        """A time that the store has noted; 0 where it has not."""
        ...

    def read(self, number: int, start: int, end: int) -> Points:
        """Readings of a series, as they were collected."""
        ...

    def around(self, number: int, start: int, end: int) -> Points:
        """The same, with the last reading before and the first one after."""
        ...

    def last(self, number: int) -> Point | None:
        """The last reading of a series, or what the tiers know of it."""
        ...

    def span(self, number: int) -> tuple[int, int] | None:
        """The times of the first and the last reading of a series."""
        ...

    def events(self, start: int, end: int) -> list[Event]:
        """What happened in a period, in the order of time."""
        ...

    def starts(self) -> Sequence[int]:
        """When the collector was started, in the order of time: no reading holds across these."""
        ...


class HistoryStore(HistoryReader, Protocol):
    """What commands work on while nobody else writes it. For one thread."""

    @property
    def place(self) -> str:
        """Where it is, for people; no secret is in it."""
        ...

    @property
    def steps(self) -> Sequence[int]:
        """The tiers' steps."""
        ...

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        ...

    def open(self) -> None:
        """Open it, and read what is needed."""
        ...

    def close(self) -> None:
        """Close it; may be called any number of times."""
        ...

    def append(self, samples: Sequence[HistorySample], events: Iterable[Event] = ()) -> None:
        """Keep readings and events; they are durable when this returns, and without effect when it raises."""
        ...

    def put(self, kept: KeptSeries, new: Points, *, replace: bool = False) -> None:
        """Keep readings of any time; with `replace` instead of those at the same times."""
        ...

    def put_summaries(self, kept: KeptSeries, step: int, new: Steps) -> None:
        """Keep steps of a tier; where there is one already it stays."""
        ...

    def seal(self, now: int) -> None:
        """Sum up the hours that are over."""
        ...

    def delete_old(self, now: int, keep: Mapping[int, int], retention: int) -> None:
        """Delete what is older than its tier is kept for; `keep` by step, that of readings is 0."""
        ...

    def delete_series(self, selector: Selector, now: int) -> list[str]:
        """Delete series for good, with what events say of them; returns their texts."""
        ...

    def shrink(self, now: int) -> None:
        """Make it as small as it gets."""
        ...

    def find_damage(self) -> list[str]:
        """What is broken in it."""
        ...

    def back_up(self, folder: Path) -> Path:
        """Copy it, while it is written, to a folder that can be used as one; raises `OSError`, too."""
        ...


class ConcurrentReader(Protocol):
    """Reading beside the thread that writes, within one process; for one thread, another one than the writer's."""

    def reading(self) -> AbstractContextManager[HistoryReader]:
        """The store as it is now, for a block; raises `StorageError`."""
        ...

    def close(self) -> None:
        """Let go of it; it opens again when it is needed."""
        ...


class LiveStore(Protocol):
    """What the history of a process writes to. For one thread; only `reader` may be called from any.

    No method waits for another machine, and all may be called again after a `StorageError`.
    """

    @property
    def place(self) -> str:
        """Where it is, for people; no secret is in it."""
        ...

    @property
    def size(self) -> int:
        """How many bytes its files take on this disk; raises `OSError`."""
        ...

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found when it was opened."""
        ...

    @property
    def layout(self) -> str:
        """How a database lays it out, for people; empty for files, and as long as it is not known."""
        ...

    @property
    def dropped(self) -> int:
        """How many readings there was no room for since the process began."""
        ...

    def open(self) -> None:
        """Open it unless it is open."""
        ...

    def close(self) -> None:
        """Close it; may be called any number of times."""
        ...

    def append(self, samples: Sequence[HistorySample], events: Iterable[Event] = ()) -> None:
        """Keep readings and events; they are durable when this returns, and without effect when it raises."""
        ...

    def record(self, batches: Sequence[Batch], events: Iterable[Event] = ()) -> None:
        """The same, for many readings at once."""
        ...

    def last_value(self, kept: KeptSeries) -> float | None:
        """The last value of a counter, None where there is none; NaN where it is found out later."""
        ...

    def recorded_ahead(self, now: int) -> tuple[int, int] | None:
        """The time since the last start, where there are readings of it that are still to come."""
        ...

    @property
    def stray(self) -> int:
        """How many readings are where they should not be: in no partition of their day."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether so much is not sealed that it should be, before its time."""
        ...

    def seal(self, now: int) -> None:
        """Sum up the hours that are over."""
        ...

    def maintain(self, now: int) -> bool:
        """Delete what is too old, and some of what is too much; returns whether there is more to do soon."""
        ...

    def ask(self, question: Callable[[HistoryReader], None]) -> None:
        """Let it be answered, now or later on another thread."""
        ...

    def check(self) -> None:
        """Raise the `StorageError` for which what was appended does not arrive, if there is one."""
        ...

    def reader(self) -> ConcurrentReader:
        """What reads beside it."""
        ...

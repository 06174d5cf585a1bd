"""Which samples an output gets: those of the selected series, at most one of each series per interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector_core.model.published import Published
from collector_core.model.selector import Selector
from collector_core.model.series import AnyOf, Series
from collector_core.output import OutputSample

_Place = tuple[str, Series]  # the collector and the series


@dataclass(frozen=True, slots=True)
class Heard:
    """What one run published; `time` is when it ended, in seconds since 1970."""

    time: float
    published: tuple[Published, ...]

    @property
    def size(self) -> int:
        """How many samples there are."""
        return sum(len(each.snapshot) for each in self.published)


class SampleSelection:
    """The series that any of several selectors means."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._chooser = AnyOf(selectors)

    def samples(self, heard: Heard) -> Iterator[OutputSample]:
        """The samples of a run that are meant, each once."""
        for series, value in self._chooser.select(heard.published):
            yield OutputSample(series, value, heard.time)


class SamplingWindow:
    """Keeps the newest sample of each series until its interval is over; intervals are multiples of `interval`.

    An `interval` of 0 keeps nothing: the samples of every run come out at once. `closed` is the number of an interval
    of which samples were already handed out before a restart: no others of it come.
    """

    def __init__(self, selection: SampleSelection, interval: float, *, closed: int | None = None) -> None:
        self._selection = selection
        self._interval = interval
        self._number: int | None = None
        self._newest: dict[_Place, OutputSample] = {}
        self._closed = closed
        self._handed_out: set[_Place] | None = None  # of the interval that was closed last; None: all

    @property
    def number(self) -> int | None:
        """The number of the interval that has samples, None if none has."""
        return self._number

    def add(self, heard: Heard) -> Iterator[list[OutputSample]]:
        """Take the samples of a run; yields those of an interval that is over with it."""
        if not self._interval:
            yield list(self._selection.samples(heard))
            return
        number = int(heard.time // self._interval)
        if number == self._closed:
            yield self._late(heard)
            return
        if number != self._number:  # the next one, or any other where somebody has set the clock
            yield self.take()
        self._number = number
        for sample in self._selection.samples(heard):
            self._newest[_place(sample)] = sample

    def _late(self, heard: Heard) -> list[OutputSample]:
        """Those samples of a run whose series had none in the interval that has just been closed."""
        if self._handed_out is None:
            return []
        late = {_place(sample): sample for sample in self._selection.samples(heard)}
        new = late.keys() - self._handed_out
        self._handed_out |= new
        return [sample for place, sample in late.items() if place in new]

    def take_finished(self, now: float) -> list[OutputSample]:
        """The samples of the interval, if it is over at `now` (seconds since 1970) or the clock was set back."""
        is_over = self._number is not None and int(now // self._interval) != self._number
        return self.take() if is_over else []

    def take(self) -> list[OutputSample]:
        """All samples that are kept, over or not."""
        if self._number is not None:
            self._closed, self._handed_out = self._number, set(self._newest)
        samples = list(self._newest.values())
        self._newest.clear()
        self._number = None
        return samples

    def seconds_left(self, now: float) -> float | None:
        """How long until the interval is over; None where no sample is kept."""
        if self._number is None:
            return None
        return max(0.0, (self._number + 1) * self._interval - now)


def _place(sample: OutputSample) -> _Place:
    return sample.series.source, sample.series

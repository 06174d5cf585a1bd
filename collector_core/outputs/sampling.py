"""Which samples an output gets: those of the selected series, at most one of each series per interval."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import nan

from collector_core.model.labels import label_text
from collector_core.model.layout_memo import LayoutMemo
from collector_core.model.published import Published
from collector_core.model.readings import NOTHING
from collector_core.model.selector import Selector
from collector_core.model.series import AnyOf, Series
from collector_core.output import OutputSample, SampleBlock, SeriesGroup

_Part = tuple[str, str]  # a source, and what of it: its own series or those of foreign code


@dataclass(frozen=True, slots=True)
class Heard:
    """What one run published; `time` is when it ended, in seconds since 1970."""

    time: float
    published: tuple[Published, ...]

    @property
    def size(self) -> int:
        """How many samples there are."""
        return sum(len(each.snapshot) for each in self.published)


@dataclass(frozen=True, slots=True)
class Shape:
    """How series look to an output: under other names, with further labels, in groups of at most `group_size`."""

    labels: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    group_size: int = 1_000_000

    def series(self, series: Series) -> Series:
        """A series under its new name, with the further labels that it does not have itself."""
        if not self.labels and series.name not in self.rename:
            return series
        name, labels = self.rename.get(series.name, series.name), {**self.labels, **series.labels}
        return replace(series, text=name + label_text(labels), name=name, labels=labels)

    def groups(self, source: str, shaped: Sequence[Series]) -> list[SeriesGroup]:
        """Groups of series that have their new names already, in order."""
        size = self.group_size
        return [SeriesGroup(source, shaped[start : start + size]) for start in range(0, len(shaped), size)]


_Chosen = Sequence[tuple[Sequence[int], SeriesGroup]]  # places of the values, and the series


class SampleSelection:
    """The series that any of several selectors means, in their shape.

    With `takes_ends`, series that a run had and the next good one of the same source has not come as ended. Of several
    series that `rename` makes one, only the first that came is meant, while it is there; `log` is told once.
    """

    def __init__(
        self,
        selectors: Sequence[Selector],
        shape: Shape | None = None,
        *,
        takes_ends: bool = False,
        log: logging.Logger | None = None,
    ) -> None:
        self._chooser = AnyOf(selectors)
        self._shape = shape or Shape()
        self._takes_ends = takes_ends
        self._log = log or logging.getLogger(__name__)
        self._chosen = LayoutMemo[_Chosen]()
        self._foreign: dict[str, tuple[list[Series], dict[Series, Series], list[SeriesGroup]]] = {}
        self._new_names = frozenset(self._shape.rename.values())
        self._renamed: dict[_Part, dict[Series, Series]] = {}  # what is there now, by what it is after `rename`
        self._left_out: dict[_Part, set[Series]] = {}  # what others are there already
        self._has_told = False
        self._groups: dict[str, list[SeriesGroup]] = {}  # of the last good run of each source

    def blocks(self, heard: Heard) -> Iterator[SampleBlock]:
        """The samples of a run that are meant, each once; then what has ended."""
        for published in heard.published:
            if published.snapshot is NOTHING:
                continue
            blocks = [*self._declared(published, heard.time), *self._of_families(published, heard.time)]
            yield from blocks
            if self._takes_ends:
                yield from self._ended(published.source, [block.group for block in blocks], heard.time)

    def _declared(self, published: Published, time: float) -> Iterator[SampleBlock]:
        values = published.snapshot.values
        for places, group in self._chosen.get(published, lambda: self._choose(published)):
            yield SampleBlock(group, array("d", map(values.__getitem__, places)), time)

    def _choose(self, published: Published) -> _Chosen:
        found = dict(self._chooser.places(published))
        shaped = self._shaped((published.source, "own"), found.values())
        groups = self._shape.groups(published.source, list(shaped.values()))
        places = iter([place for place, series in found.items() if series in shaped])
        return [(list(islice(places, len(group.series))), group) for group in groups]

    def _shaped(self, part: _Part, series: Iterable[Series]) -> dict[Series, Series]:
        """What each series is to the output, without those that another one is already."""
        before, renamed = self._renamed.get(part, {}), dict[Series, Series]()
        self._renamed[part] = renamed
        shaped = {each: self._shape.series(each) for each in series}
        meant = {each: new for each, new in shaped.items() if self._is_first(renamed, each, new)}
        self._left_out[part] = set(shaped.values()).difference(meant.values())
        self._choose_anew_after(before.keys() - renamed.keys())
        return meant

    def _choose_anew_after(self, gone: set[Series]) -> None:
        """Let what was left out for series that have gone come from now on."""
        if any(not names.isdisjoint(gone) for names in self._left_out.values()):
            self._chosen = LayoutMemo()
            self._foreign.clear()

    def _is_first(self, renamed: dict[Series, Series], series: Series, new: Series) -> bool:
        if new.name not in self._new_names:
            return True
        first = next((known[new] for known in self._renamed.values() if new in known), None)
        if first is None:
            renamed[new] = series
        elif not self._has_told:
            self._has_told = True
            self._log.warning(
                "%s of %s is left out, and so is what else is not the first of its name: `rename` makes it %s, as %s "
                "of %s is already",
                *(series, series.source, new, first, first.source),
            )
        return first is None

    def _of_families(self, published: Published, time: float) -> Iterator[SampleBlock]:
        found = dict(self._chooser.select_families(published)) if published.snapshot.families else {}
        known, shaped, groups = self._foreign.get(published.source, ([], {}, []))
        if list(found) != known:
            known, shaped = list(found), self._shaped((published.source, "foreign"), found)
            groups = self._shape.groups(published.source, list(shaped.values()))
            self._foreign[published.source] = known, shaped, groups
        values, start = array("d", map(found.__getitem__, shaped)), 0
        for group in groups:
            yield SampleBlock(group, values[start : start + len(group.series)], time)
            start += len(group.series)

    def _ended(self, source: str, groups: list[SeriesGroup], time: float) -> Iterator[SampleBlock]:
        before = self._groups.get(source, [])
        self._groups[source] = groups
        if before == groups:
            return
        now = {series for group in groups for series in group.series}
        gone = [series for group in before for series in group.series if series not in now]
        for group in Shape(group_size=self._shape.group_size).groups(source, gone):
            yield SampleBlock(group, array("d", [nan]) * len(group.series), time, ended=True)


@dataclass(slots=True)
class _Kept:
    """The newest sample of each series of a source: those of its last run, and of series that this one had not."""

    blocks: list[SampleBlock]
    older: dict[Series, tuple[OutputSample, bool]] = field(default_factory=dict)

    def replace(self, blocks: list[SampleBlock]) -> None:
        if [block.group for block in blocks] != [block.group for block in self.blocks]:
            self.older |= _by_series(self.blocks)
            for block in blocks:
                for series in block.group.series:
                    self.older.pop(series, None)
        self.blocks = blocks

    def all(self) -> Iterator[SampleBlock]:
        yield from _regrouped(self.older.values())
        yield from self.blocks


class SamplingWindow:
    """Keeps the newest sample of each series until its interval is over; intervals are multiples of `interval`.

    An `interval` of 0 keeps nothing: the samples of every run come out at once. `closed` is the number of an interval
    of which samples were already handed out before a restart: no others of it come.
    """

    def __init__(self, selection: SampleSelection, interval: float, *, closed: int | None = None) -> None:
        self._selection = selection
        self.interval = interval
        self._number: int | None = None
        self._newest: dict[str, _Kept] = {}
        self._closed = closed
        self._handed_out: set[tuple[str, Series]] | None = None  # of the interval that was closed last; None: all

    @property
    def number(self) -> int | None:
        """The number of the interval that has samples, None if none has."""
        return self._number

    @property
    def closed(self) -> int | None:
        """The number of the interval whose samples were handed out last."""
        return self._closed

    def close(self, number: int) -> None:
        """Let no other samples of this interval come: it had its own before a restart."""
        self._closed, self._handed_out = number, None

    def blocks(self) -> list[SampleBlock]:
        """The samples that are kept; they stay."""
        return [block for kept in self._newest.values() for block in kept.all()]

    def add(self, heard: Heard) -> Iterator[list[SampleBlock]]:
        """Take the samples of a run; yields those of an interval that is over with it."""
        if not self.interval:
            yield list(self._selection.blocks(heard))
            return
        number = int(heard.time // self.interval)
        if number == self._closed:
            yield self._late(heard)
            return
        if number != self._number:  # the next one, or any other where somebody has set the clock
            yield self.take()
        self._number = number
        for source, blocks in _by_source(self._selection.blocks(heard)).items():
            if source in self._newest:
                self._newest[source].replace(blocks)
            else:
                self._newest[source] = _Kept(blocks)

    def _late(self, heard: Heard) -> list[SampleBlock]:
        """Those samples of a run whose series had none in the interval that has just been closed."""
        if self._handed_out is None:
            return []
        late: list[tuple[OutputSample, bool]] = []
        for block in self._selection.blocks(heard):
            for sample in block.samples():
                place = block.group.source, sample.series
                if place not in self._handed_out:
                    self._handed_out.add(place)
                    late.append((sample, block.ended))
        return list(_regrouped(late))

    def take_finished(self, now: float) -> list[SampleBlock]:
        """The samples of the interval, if it is over at `now` (seconds since 1970) or the clock was set back."""
        is_over = self._number is not None and int(now // self.interval) != self._number
        return self.take() if is_over else []

    def take(self) -> list[SampleBlock]:
        """All samples that are kept, over or not."""
        blocks = self.blocks()
        if self._number is not None:
            self._closed = self._number
            self._handed_out = {(block.group.source, series) for block in blocks for series in block.group.series}
        self._newest.clear()
        self._number = None
        return blocks

    def seconds_left(self, now: float) -> float | None:
        """How long until the interval is over; None where no sample is kept."""
        if self._number is None:
            return None
        return max(0.0, (self._number + 1) * self.interval - now)


def _by_source(blocks: Iterable[SampleBlock]) -> dict[str, list[SampleBlock]]:
    found: dict[str, list[SampleBlock]] = {}
    for block in blocks:
        found.setdefault(block.group.source, []).append(block)
    return found


def _by_series(blocks: Iterable[SampleBlock]) -> dict[Series, tuple[OutputSample, bool]]:
    return {sample.series: (sample, block.ended) for block in blocks for sample in block.samples()}


def _regrouped(samples: Iterable[tuple[OutputSample, bool]]) -> Iterator[SampleBlock]:
    """Blocks of samples that come from several runs."""
    found: dict[tuple[float, bool, str], list[OutputSample]] = {}
    for sample, ended in samples:
        found.setdefault((sample.time, ended, sample.series.source), []).append(sample)
    for (time, ended, source), group in found.items():
        values = array("d", [sample.value for sample in group])
        yield SampleBlock(SeriesGroup(source, [sample.series for sample in group]), values, time, ended)

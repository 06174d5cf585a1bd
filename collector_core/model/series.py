"""Series that are published, and what all ways to choose among them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from collector_core.model.families import Family
from collector_core.model.labels import label_text
from collector_core.model.layout_memo import LayoutMemo
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import Layout, all_labels

_COUNTERS = frozenset({"counter", "histogram"})


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series that is published; equal to another of the same `text`, its name and labels as Prometheus writes them.

    `kind` is `gauge`, `counter`, `info` or what a family of foreign code calls itself; `source` as in `Published`;
    `topic`, `of` and `title` say what it is about, as in `Metric`, and are empty where nobody says.
    """

    text: str
    name: str
    labels: Mapping[str, str]
    kind: str
    unit: str
    help: str
    source: str
    topic: str = ""
    of: str = ""
    title: str = ""

    @property
    def is_counter(self) -> bool:
        """Whether only the rises of its values mean something."""
        return self.kind in _COUNTERS

    @property
    def heading(self) -> str:
        """The title and the labels, as the start of a sentence: `Power of the greenhouse (plug=lamps)`."""
        labels = ", ".join(f"{label}={value}" for label, value in self.labels.items() if value)
        return (self.title or self.name) + (f" ({labels})" if labels else "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Series) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


class SeriesChooser(ABC):
    """Chooses among published series.

    What belongs to a layout is looked up once and kept as long as the layout lives, so that choosing is cheap where the
    same series come again and again. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._known = LayoutMemo[Sequence[tuple[int, Series]]]()
        self._shown: Sequence[tuple[str, Layout]] = ()
        self._places: Sequence[Sequence[tuple[int, Series]]] = ()

    def select(self, published: Iterable[Published]) -> Iterator[tuple[Series, float]]:
        """The series that are meant, with their values, in the order in which they are published."""
        published = tuple(published)
        for each, places in zip(published, self._places_of_all(published), strict=True):
            if places:
                values = each.snapshot.values
                for place, series in places:
                    yield series, values[place]
            if each.snapshot.families:
                yield from self.select_families(each)

    def _places_of_all(self, published: Sequence[Published]) -> Sequence[Sequence[tuple[int, Series]]]:
        """`places` of each; the same sources with the same layouts as the last time are nearly always asked for."""
        shown = [(each.source, each.snapshot.layout) for each in published]
        if shown != self._shown:
            self._shown, self._places = shown, [self.places(each) for each in published]
        return self._places

    def places(self, published: Published) -> Sequence[tuple[int, Series]]:
        """The series that are meant, with the place of each one's value in `published.snapshot.values`.

        Places stay the same while snapshots share a `layout`. Families of foreign code have none.
        """
        return self._known.get(published, lambda: list(self._look_up(published)))

    @abstractmethod
    def select_families(self, published: Published) -> Iterator[tuple[Series, float]]:
        """The series of foreign code's families that are meant, with their values."""

    @abstractmethod
    def _look_up(self, published: Published) -> Iterator[tuple[int, Series]]:
        """The places of what is meant, for `places` to remember."""


class AnyOf(SeriesChooser):
    """Chooses what any of several choosers does, each series once."""

    def __init__(self, choosers: Sequence[SeriesChooser]) -> None:
        super().__init__()
        self._choosers = choosers

    def select_families(self, published: Published) -> Iterator[tuple[Series, float]]:
        """The series of foreign code's families that one of them means, with their values."""
        if published.snapshot.families:
            found = dict(pair for each in self._choosers for pair in each.select_families(published))
            yield from found.items()

    def _look_up(self, published: Published) -> Iterator[tuple[int, Series]]:
        yield from sorted(
            dict(pair for each in self._choosers for pair in each.places(published)).items(), key=itemgetter(0)
        )


class MetricChooser(SeriesChooser):
    """Chooses by what a metric's declaration says and by the labels of each series."""

    def select_families(self, published: Published) -> Iterator[tuple[Series, float]]:
        """The series of foreign code's families that are meant, with their values."""
        for family in published.snapshot.families:
            yield from self._foreign(published, family)

    @abstractmethod
    def _means_metric(self, metric: Metric) -> bool:
        """Whether series of this metric may be meant."""

    def _means_labels(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is meant, if its metric is."""
        del labels
        return True

    def _foreign(self, published: Published, family: Family) -> Iterator[tuple[Series, float]]:
        """Series of a family of foreign code, which says nothing of what it is about."""
        del published, family
        yield from ()

    def _look_up(self, published: Published) -> Iterator[tuple[int, Series]]:
        for metric, places in published.snapshot.layout.places.items():
            if not self._means_metric(metric):
                continue
            for key, place in places.items():
                labels = all_labels(metric, published.labels, key)
                if self._means_labels(labels):
                    yield place, _series(metric, labels, published.source)


def _series(metric: Metric, labels: Mapping[str, str], source: str) -> Series:
    about = (metric.kind, metric.unit, metric.help, source, metric.topic, metric.of, metric.title)
    return Series(metric.name + label_text(labels), metric.name, labels, *about)

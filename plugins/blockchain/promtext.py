"""Chosen series of a page in Prometheus' text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

from collector_core.prometheus_text import PageReader, read_samples


@dataclass(frozen=True)
class Wanted:
    """A series by its name and some of its labels: `chain_head_block` or `txs{state="pending"}`."""

    name: str
    labels: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Raises `ValueError` for what is no series."""
        problem = f'{text[:100]!r} is no series: write name or name{{label="value"}}'
        try:
            (sample,) = read_samples(f"{text.strip()} 1".encode())
        except ValueError:
            raise ValueError(problem) from None
        if sample.timestamp is not None or sample.exemplar is not None:  # the text has a value of its own
            raise ValueError(problem)
        return cls(sample.name, frozenset(sample.labels.items()))

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this name, with these labels, is meant."""
        return self.labels <= labels.items()


class Page:
    """Takes a page in pieces, and adds up the series that each of `wanted` takes; other lines are not looked at."""

    def __init__(self, wanted: Collection[Wanted]) -> None:
        self._by_name: dict[str, set[Wanted]] = defaultdict(set)
        for each in wanted:
            self._by_name[each.name].add(each)
        self._reader = PageReader(self._by_name)
        self.feed = self._reader.feed

    def finish(self) -> dict[Wanted, float]:
        """The sums; what is not there is absent, and so are NaN and series of a name with a line that cannot be read.

        Raises `ValueError` where nothing is left of the page but such lines.
        """
        sums: dict[Wanted, float] = defaultdict(float)
        for sample in self._reader.finish():
            for each in self._by_name[sample.name]:
                if each.takes(sample.labels) and isfinite(sample.value):
                    sums[each] += sample.value
        return sums


def read_page(page: bytes, wanted: Collection[Wanted]) -> dict[Wanted, float]:
    """As `Page`, of a whole one."""
    reader = Page(wanted)
    reader.feed(page)
    return reader.finish()

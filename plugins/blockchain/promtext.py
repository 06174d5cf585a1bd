"""Chosen series of a page in Prometheus' text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

from collector_core.prometheus_text import read_samples


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


def read_page(page: bytes, wanted: Collection[Wanted]) -> dict[Wanted, float]:
    """The sum of the series that each of `wanted` takes; what is not there is absent, and so is NaN.

    Raises `ValueError` where a line that is wanted cannot be read. Other lines are not looked at.
    """
    by_name: dict[str, set[Wanted]] = defaultdict(set)
    for each in wanted:
        by_name[each.name].add(each)
    sums: dict[Wanted, float] = defaultdict(float)
    for sample in read_samples(page, by_name):
        for each in by_name[sample.name]:
            if each.takes(sample.labels) and isfinite(sample.value):
                sums[each] += sample.value
    return sums

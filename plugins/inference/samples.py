"""A server's page in Prometheus' text format: the samples that are asked for, and no more memory and work than that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isfinite
from typing import NamedTuple

from collector_core.prometheus_text import PageReader

MAX_SAMPLES = 50_000


class Value(NamedTuple):
    """One sample: its labels and its value, a finite number."""

    labels: Mapping[str, str]
    value: float


Answer = dict[str, list[Value]]


class Page:
    """Takes a page in pieces, and keeps the samples whose name is `wanted`: NaN and infinite values say nothing.

    A colon in a wanted name may be an underscore in the answer: some servers and relays write vLLM's names so.
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self._names = {name.replace(":", "_"): name for name in wanted} | {name: name for name in wanted}
        self._reader = PageReader(self._names, max_samples=MAX_SAMPLES)
        self.feed = self._reader.feed

    @property
    def problem(self) -> ValueError | None:
        """What is wrong with the first line that is wanted and cannot be read: it is left out."""
        return self._reader.problem

    def finish(self) -> Answer:
        """The samples, by name.

        Raises `ValueError` for more than `MAX_SAMPLES` samples, for what is no page of metrics, and where nothing is
        left but lines that cannot be read. A blank page is one: some servers publish nothing at first.
        """
        found: Answer = {}
        for sample in [] if self._reader.is_blank else self._reader.finish():
            if isfinite(sample.value):
                found.setdefault(self._names[sample.name], []).append(Value(sample.labels, sample.value))
        return found


def parse(body: bytes, wanted: Collection[str]) -> Answer:
    """What is wanted of a whole page; raises `ValueError`."""
    page = Page(wanted)
    page.feed(body)
    return page.finish()

"""A server's page in Prometheus' text format: the samples that are asked for, and no more memory and work than that."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import NamedTuple

from collector_core import NotAvailable, Reason
from collector_core.prometheus_text import PrometheusTextError, Sample, SampleReader

MAX_SAMPLES = 50_000
LOOKED_AT = 1 << 16  # bytes at the start of a page that tell whether it is one
_NO_PAGE = "is not a page of metrics"

# A line of a page: a comment, or a name and then labels or a value.
_LINE = re.compile(
    rb"^[ \t]*(#[ \t]*(HELP|TYPE|UNIT|EOF)\b"
    rb"|[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]*\{[ \t]*(\}|[a-zA-Z_][a-zA-Z0-9_]*[ \t]*=[ \t]*\"|\")"
    rb"|\{[ \t]*\"[^\"\n]+\"[ \t]*[,}]"
    rb"|[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]+[+-]?(\d|\.\d|nan|inf))",
    re.IGNORECASE | re.MULTILINE,
)


class Value(NamedTuple):
    """One sample: its labels and its value, a finite number."""

    labels: Mapping[str, str]
    value: float


Answer = dict[str, list[Value]]


class Page:
    """Takes a page in pieces, and keeps the samples whose name is `wanted`: NaN and infinite values say nothing.

    A colon in a wanted name may be an underscore in the answer: some servers and relays write vLLM's names so.
    """

    def __init__(self, wanted: Collection[str], max_bytes: int) -> None:
        self._names = {name.replace(":", "_"): name for name in wanted} | {name: name for name in wanted}
        self._reader = SampleReader(self._names, max_samples=MAX_SAMPLES)
        self._max_bytes = max_bytes
        self._size = 0
        self._start = b""
        self._found: Answer = {}
        self._problem: PrometheusTextError | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raises `NotAvailable` where the page is longer than it may be."""
        self._size += len(piece)
        if self._size > self._max_bytes:
            limit = f"{self._max_bytes / (1 << 20):g} MiB"
            fix = "raise `max_page_mib`, or let the server publish less"
            raise NotAvailable(Reason.BAD_DATA, f"its page is longer than the limit of {limit}", fix=fix)
        self._start += piece[: LOOKED_AT - len(self._start)]
        if self._problem is None:
            self._take(lambda: self._reader.feed(piece))

    def finish(self) -> Answer:
        """The samples, by name.

        Raises `ValueError` for a line that is wanted and cannot be read, for more than `MAX_SAMPLES` samples, and for
        what is no page of metrics at all.
        """
        self._take(self._reader.finish)
        if self._problem is not None:
            raise self._problem
        if not self._found and self._start.strip() and not _LINE.search(self._start):
            raise ValueError(_NO_PAGE)
        return self._found

    def _take(self, read: Callable[[], list[tuple[int, Sample]]]) -> None:
        try:
            samples = read()
        except PrometheusTextError as problem:
            self._problem = self._problem or problem
            return
        for _, sample in samples:
            if isfinite(sample.value):
                self._found.setdefault(self._names[sample.name], []).append(Value(sample.labels, sample.value))


def parse(body: bytes, wanted: Collection[str]) -> Answer:
    """What is wanted of a whole page; raises `ValueError`."""
    page = Page(wanted, len(body))
    page.feed(body)
    return page.finish()

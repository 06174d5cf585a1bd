"""A page that comes in pieces from somewhere else, which must not hear of what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collector_core.model.families import Sample
from collector_core.prometheus_text.reader import MAX_SAMPLES, PrometheusTextError, SampleReader


class PageReader:
    """Keeps the samples of a page whose names are `wanted`, and no more of it; `feed` never raises.

    For `HttpClient`, as its `feed`.
    """

    def __init__(self, wanted: Collection[str], *, max_samples: int = MAX_SAMPLES) -> None:
        self._reader = SampleReader(wanted, max_samples=max_samples)
        self._samples: list[Sample] = []
        self._problem: PrometheusTextError | None = None
        self.is_blank = True

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self.is_blank = self.is_blank and not piece.strip()
        if self._problem is None:
            self._take(lambda: self._reader.feed(piece))

    def finish(self) -> list[Sample]:
        """The samples; raises `PrometheusTextError`, as `SampleReader` does."""
        if self._problem is None:
            self._take(self._reader.finish)
        if self._problem is not None:
            raise self._problem
        return self._samples

    def _take(self, read: Callable[[], list[tuple[int, Sample]]]) -> None:
        try:
            self._samples += [sample for _, sample in read()]
        except PrometheusTextError as problem:
            self._problem = problem

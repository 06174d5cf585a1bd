"""A page that comes in pieces from somewhere else, which must not hear of what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collector_core.model.families import Sample
from collector_core.prometheus_text.reader import MAX_SAMPLES, PrometheusTextError, SampleReader


class PageReader:
    """Keeps the samples of a page whose names are `wanted`, and no more of it; `feed` never raises.

    For `HttpClient`, as its `feed`. A line that cannot be read costs only the samples of its name, which would not add
    up without it: `problem` is the first one.
    """

    def __init__(self, wanted: Collection[str], *, max_samples: int = MAX_SAMPLES) -> None:
        self.problem: PrometheusTextError | None = None
        self.is_blank = True
        self._reader = SampleReader(wanted, max_samples=max_samples, skip=self._note)
        self._samples: list[Sample] = []
        self._broken: set[str] = set()
        self._end: PrometheusTextError | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self.is_blank = self.is_blank and not piece.strip()
        self._take(lambda: self._reader.feed(piece))

    def finish(self) -> list[Sample]:
        """The samples; raises `PrometheusTextError` for too many, and where none is left because of a problem."""
        self._take(self._reader.finish)
        if self._end is not None:
            raise self._end
        samples = [sample for sample in self._samples if sample.name not in self._broken]
        if self.problem is not None and not samples:
            raise self.problem
        return samples

    def _take(self, read: Callable[[], list[tuple[int, Sample]]]) -> None:
        if self._end is None:
            try:
                self._samples += [sample for _, sample in read()]
            except PrometheusTextError as end:
                self._end = end

    def _note(self, name: str, problem: PrometheusTextError) -> None:
        self._broken.add(name)
        self.problem = self.problem or problem

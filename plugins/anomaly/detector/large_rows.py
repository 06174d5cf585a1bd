"""Rows far from what is expected: how often such a size comes, and whether they come alone, as latencies do."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from math import inf, log, sqrt

LARGE = 2.5  # scales; about every twentieth row of noise is farther off
FEWEST = 20  # before which nothing is said about whether they come alone
LONE_SHARE = 0.17  # of them follow another one; below it they come alone
SHARE_RATE = 0.005  # of that share
PEAKS = 32  # the largest rows, which tell how the tail falls
FEWEST_PEAKS = 8
APART_ROWS = 24  # within which only the largest row is a peak
MEMORY_ROWS = 100_000  # ten weeks of minutes, after which a peak is forgotten
LEAST_INDEX = 1e-3
ALIKE = 0.5  # of the size of the next row: two such rows are no chance
CROWD_ROWS = 48  # over which the crowd of large rows fades
CROWDED = 1.25  # more than usual, in square roots, whose spread does not depend on what is usual: 2 rows in a million


class LargeRows:
    """Follows the rows of a series that are farther off than `LARGE`, in scales; counts from row `since` on."""

    __slots__ = ("_crowd", "_following", "_index", "_last", "_last_size", "_peaks", "_seen", "_since")

    def __init__(self, since: int = 0) -> None:
        self._since = since
        self._seen = 0
        self._following = 0.0
        self._crowd = 0.0
        self._last = since - 2
        self._last_size = 0.0
        self._peaks: list[tuple[float, int]] = []
        self._index = LEAST_INDEX

    def is_alone(self, size: float, row: int) -> bool:
        """Whether large rows say nothing about the next one in this series, and none just before said this one."""
        if self._seen < FEWEST or self._following >= LONE_SHARE:
            return False
        is_followed = row - self._last == 1 and self._last_size >= ALIKE * size
        return not (is_followed or self._is_crowded(row))

    def _is_crowded(self, row: int) -> bool:
        """Whether many more large rows have come of late than usually do, whatever their sizes: what lasts."""
        usual = CROWD_ROWS * self._seen / max(row - self._since, 1)
        return sqrt(self._faded_crowd(row)) > sqrt(usual) + CROWDED

    def _faded_crowd(self, row: int) -> float:
        return self._crowd * (1 - 1 / CROWD_ROWS) ** (row - self._last)

    def due(self, size: float, row: int, rows: float) -> float:
        """How many rows of a size are due in so many rows, by the tail of the largest until this row (Hill, 1975).

        Infinite where the size is nothing special.
        """
        peaks = self._peaks
        if len(peaks) < FEWEST_PEAKS or size <= peaks[0][0]:
            return inf
        seen = min(row - self._since, MEMORY_ROWS)
        as_large: float = len(peaks) * (size / peaks[0][0]) ** (-1 / self._index)
        return as_large * rows / max(seen, 1)

    def learn(self, size: float, row: int) -> None:
        """Add a large row; rows come in order."""
        self._seen += 1
        self._following += max(1 / self._seen, SHARE_RATE) * ((row - self._last == 1) - self._following)
        self._crowd = self._faded_crowd(row) + 1
        self._last, self._last_size = row, size
        peaks = self._peaks
        if len(peaks) == PEAKS and size <= peaks[0][0]:
            return
        near = max((peak for peak, other in peaks if row - other < APART_ROWS), default=0.0)
        if size > near:
            kept = [each for each in peaks if APART_ROWS <= row - each[1] < MEMORY_ROWS]
            insort(kept, (size, row))
            self._follow(kept[-PEAKS:])

    def _follow(self, peaks: list[tuple[float, int]]) -> None:
        self._peaks = peaks
        if len(peaks) >= FEWEST_PEAKS:
            self._index = _tail_index([log(peak / peaks[0][0]) for peak, _ in peaks[1:]])

    def state(self) -> list[list[float]]:
        """What `restore` takes."""
        sizes, rows = [size for size, _ in self._peaks], [row for _, row in self._peaks]
        return [
            [self._since, self._seen, self._following, self._crowd, self._last, self._last_size],
            sizes,
            [*map(float, rows)],
        ]

    def restore(self, row: int, state: list[list[float]]) -> None:
        """Continue at a row; raises `ValueError` if the state has another shape."""
        (since, seen, following, self._crowd, last, self._last_size), sizes, rows = state
        if not (since - 2 <= last <= row and since <= row and seen >= 0 and 0 <= following <= 1 and self._crowd >= 0):
            raise ValueError("large rows of another shape")
        if len(sizes) > PEAKS or not min(sizes, default=1.0) > 0:
            raise ValueError("largest rows of another shape")
        self._since, self._seen, self._following, self._last = int(since), int(seen), following, int(last)
        self._follow(sorted((size, int(row)) for size, row in zip(sizes, rows, strict=True)))


def _tail_index(excesses: Sequence[float]) -> float:
    """Of logarithms in order; the largest counts as the second: one wrong reading must not make a tail long."""
    *others, second, _ = excesses
    return max((sum(others) + 2 * second) / (len(excesses) - 1), LEAST_INDEX)

"""Distributions that a series has shown, and whether its latest rows resemble any of them."""

from __future__ import annotations

WINDOW = 26  # rows that make up a distribution
BINS = 5  # equal parts of the range seen so far
CAPACITY = 32  # distributions remembered; the one matched longest ago is dropped first
NOVEL = 0.1  # distance, 0 to 2, from which a distribution counts as new
COUNTS = range(WINDOW + 1)
APART = [[(one - other) ** 2 / (one + other or 1) for other in COUNTS] for one in COUNTS]  # of two counts


class DistributionMemory:
    """Remembers what windows of `WINDOW` rows looked like, as counts in `BINS` parts of the range of the series."""

    __slots__ = ("_counts", "_known", "_window")

    def __init__(self) -> None:
        self._window = bytearray()
        self._counts = [0] * BINS
        self._known: list[bytes] = []

    def novelty(self, share: float) -> float:
        """Add a row; returns how unlike every known distribution the latest rows are: 0, or `NOVEL` to 2.

        A new distribution is remembered, so it is novel only once. `share` is the position of the row in the range
        seen so far, 0 to 1.
        """
        part = min(int(share * BINS), BINS - 1)
        window, counts = self._window, self._counts
        window.append(part)
        if len(window) <= WINDOW:
            counts[part] += 1
            return self._distance() if len(window) == WINDOW else 0.0
        oldest = window.pop(0)
        if oldest == part:
            return 0.0
        counts[part] += 1
        counts[oldest] -= 1
        return self._distance()

    def clear_window(self) -> None:
        """Start a new window: rows after a gap do not continue those before it."""
        self._window.clear()
        self._counts = [0] * BINS

    def _distance(self) -> float:
        """The chi-squared distance to the nearest known distribution; 0 if it is below `NOVEL`."""
        nearest = 2.0
        known = self._known
        first, second, third, fourth, fifth = [APART[count] for count in self._counts]
        for position, (one, two, three, four, five) in enumerate(known):
            distance = (first[one] + second[two] + third[three] + fourth[four] + fifth[five]) / WINDOW
            if distance < NOVEL:
                if position:
                    known.insert(0, known.pop(position))
                return 0.0
            nearest = min(nearest, distance)
        known.insert(0, bytes(self._counts))
        del known[CAPACITY:]
        return nearest

    def state(self) -> list[list[int]]:
        """What `restore` takes."""
        return [[*self._window], *([*counts] for counts in self._known)]

    def restore(self, state: list[list[int]]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        window, *known = state
        if len(window) > WINDOW or len(known) > CAPACITY or any(not 0 <= part < BINS for part in window):
            raise ValueError("a window of another shape")
        if any(len(counts) != BINS or min(counts) < 0 or sum(counts) != WINDOW for counts in known):
            raise ValueError("distributions of another shape")
        self._window = bytearray(window)
        self._counts = [window.count(part) for part in range(BINS)]
        self._known = [bytes(counts) for counts in known]

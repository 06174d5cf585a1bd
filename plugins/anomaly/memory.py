"""Distributions that a series has shown, and whether the last rows look like any of them."""

from __future__ import annotations

WINDOW = 26  # rows that make a distribution
BINS = 5  # equal parts of the range seen so far
KEPT = 32  # distributions remembered; the one that was not met for longest makes room
NEW = 0.1  # distance, 0 to 2, from which on a distribution is new


class Memory:
    """Remembers what the last `WINDOW` rows looked like, as counts in `BINS` parts of the series' range."""

    __slots__ = ("_counts", "_kept", "_rows")

    def __init__(self) -> None:
        self._rows = bytearray()
        self._counts = [0] * BINS
        self._kept: list[bytes] = []

    def novelty(self, share: float) -> float:
        """How unlike all before the last rows are: 0, or `NEW` to 2 once, as it is remembered from then on.

        `share` is where the new row lies in the range seen so far, 0 to 1.
        """
        place = min(int(share * BINS), BINS - 1)
        rows, counts = self._rows, self._counts
        rows.append(place)
        if len(rows) <= WINDOW:
            counts[place] += 1
            return self._distance() if len(rows) == WINDOW else 0.0
        oldest = rows.pop(0)
        if oldest == place:
            return 0.0
        counts[place] += 1
        counts[oldest] -= 1
        return self._distance()

    def forget_window(self) -> None:
        """Begin a window anew: what follows a gap does not continue what was before it."""
        self._rows.clear()
        self._counts = [0] * BINS

    def _distance(self) -> float:
        """The chi-squared distance from the nearest one kept, 0 if that is less than `NEW`."""
        nearest = 2.0
        kept, counts = self._kept, self._counts
        for position, other in enumerate(kept):
            distance = 0.0
            for ours, theirs in zip(counts, other, strict=True):
                if ours != theirs:
                    distance += (ours - theirs) ** 2 / (ours + theirs)
            distance /= WINDOW
            if distance < NEW:
                if position:
                    kept.insert(0, kept.pop(position))
                return 0.0
            nearest = min(nearest, distance)
        kept.insert(0, bytes(counts))
        del kept[KEPT:]
        return nearest

    def state(self) -> list[list[int]]:
        """What it knows."""
        return [[*self._rows], *([*counts] for counts in self._kept)]

    def restore(self, state: list[list[int]]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        rows, *kept = state
        if len(rows) > WINDOW or len(kept) > KEPT or any(not 0 <= place < BINS for place in rows):
            raise ValueError("a window of another shape")
        if any(len(counts) != BINS or min(counts) < 0 or sum(counts) != WINDOW for counts in kept):
            raise ValueError("distributions of another shape")
        self._rows = bytearray(rows)
        self._counts = [rows.count(place) for place in range(BINS)]
        self._kept = [bytes(counts) for counts in kept]

"""How rare a magnitude is in the past of a series, whatever its distribution."""

from __future__ import annotations

from math import frexp, log10

BINS = 64
BINS_PER_OCTAVE = 8
FIRST_OCTAVE = -4
MAX_WEIGHT = 1e9  # of a row; beyond it all weights are scaled down


class RarityHistogram:
    """A histogram with logarithmic bins; every row weighs less by the share `forgetting` than the next one."""

    __slots__ = ("_bins", "_growth", "_total", "_weight")

    def __init__(self, forgetting: float) -> None:
        self._growth = 1 / (1 - forgetting)
        self._bins = [0.0] * BINS
        self._total = 0.0
        self._weight = 1.0

    def add(self, magnitude: float) -> float:
        """Add a row; returns -log10 of the share of rows, including this one, at least as large. 0 is the usual."""
        mantissa, octave = frexp(magnitude)  # 0.5 to 1, and the power of 2
        position = int((octave - FIRST_OCTAVE + 2 * mantissa - 2) * BINS_PER_OCTAVE)
        if not 0 <= position < BINS:
            position = 0 if position < 0 else BINS - 1
        bins, weight, total = self._bins, self._weight, self._total
        is_low = position < BINS // 2  # the shorter sum is the faster one
        as_large = total - sum(bins[:position]) if is_low else sum(bins[position:])
        share = ((as_large if as_large > 0 else 0.0) + weight) / (total + weight)
        bins[position] += weight
        self._total = total + weight
        self._weight = weight * self._growth
        if self._weight > MAX_WEIGHT:
            self._rescale()
        return -log10(share) if share < 1 else 0.0

    def _rescale(self) -> None:
        self._bins = [weight / self._weight for weight in self._bins]
        self._total = sum(self._bins)
        self._weight = 1.0

    def state(self) -> list[float]:
        """What `restore` takes."""
        return [self._weight, self._total, *self._bins]

    def restore(self, state: list[float]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        if len(state) != 2 + BINS or min(state) < 0 or not 1 <= state[0] <= MAX_WEIGHT:
            raise ValueError("a histogram of another shape")
        self._weight, self._total = state[:2]
        self._bins = state[2:]

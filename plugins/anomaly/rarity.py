"""How rare a strength is in a series' own past, whatever its distribution."""

from __future__ import annotations

from array import array
from math import frexp, log10

BINS = 64
PER_OCTAVE = 8
LOWEST = -4  # octave of the first bin
FULL = 1e9  # weight of a row from which on all weights are scaled down


class Rarity:
    """A histogram over logarithmic bins; a row's weight fades by the share `forgetting` with every later row."""

    __slots__ = ("_bins", "_growth", "_total", "_weight")

    def __init__(self, forgetting: float) -> None:
        self._growth = 1 / (1 - forgetting)
        self._bins = array("d", bytes(8 * BINS))
        self._total = 0.0
        self._weight = 1.0

    def of(self, strength: float) -> float:
        """-log10 of the share of rows, this one counted, that were at least as strong; 0 for the usual. Learns it."""
        mantissa, octave = frexp(strength)  # 0.5 to 1, and the power of 2
        position = min(max(int((octave - LOWEST + 2 * mantissa - 2) * PER_OCTAVE), 0), BINS - 1)
        bins, weight = self._bins, self._weight
        share = (sum(bins[position:]) + weight) / (self._total + weight)
        bins[position] += weight
        self._total += weight
        self._weight = weight * self._growth
        if self._weight > FULL:
            self._rescale()
        return -log10(share) if share < 1 else 0.0

    def _rescale(self) -> None:
        self._bins = array("d", [weight / self._weight for weight in self._bins])
        self._total = sum(self._bins)
        self._weight = 1.0

    def state(self) -> list[float]:
        """What it knows."""
        return [self._weight, self._total, *self._bins]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        if len(state) != 2 + BINS or min(state) < 0 or not 1 <= state[0] <= FULL:
            raise ValueError("a histogram of another shape")
        self._weight, self._total = state[:2]
        self._bins = array("d", state[2:])

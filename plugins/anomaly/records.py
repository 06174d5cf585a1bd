"""New records: how far a number lies outside everything that the series has shown."""

from __future__ import annotations


class Range:
    """The range of a series, which shrinks by the share `forgetting` of its width with every row."""

    __slots__ = ("_forgetting", "high", "low")

    def __init__(self, forgetting: float) -> None:
        self._forgetting = forgetting
        self.low: float | None = None
        self.high = 0.0

    def excess(self, value: float) -> float:
        """How far outside it lies, in widths of the range (0 within, 1 at most without a width); then learn it."""
        low, high = self.low, self.high
        if low is None:
            self.low = self.high = value
            return 0.0
        width = high - low
        shrink = self._forgetting * width
        self.low, self.high = low + shrink, high - shrink
        if low <= value <= high:
            self.low = min(self.low, value)
            self.high = max(self.high, value)
            return 0.0
        outside = value - high if value > high else low - value
        if value > high:
            self.high = value
        else:
            self.low = value
        return outside / width if width > 0 else 1.0

    def state(self) -> list[float]:
        """What it knows."""
        return [] if self.low is None else [self.low, self.high]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        if len(state) not in {0, 2} or state != sorted(state):
            raise ValueError("a range has two ends")
        self.low, self.high = (state[0], state[1]) if state else (None, 0.0)

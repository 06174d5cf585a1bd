"""New records: how far a number lies outside everything that a series has shown."""

from __future__ import annotations

FARTHEST = 10.0  # widths; more counts no more


class Range:
    """The range of a series; both ends move inwards by the share `forgetting` of its width with every row."""

    __slots__ = ("_forgetting", "_known", "high", "low")

    def __init__(self, forgetting: float) -> None:
        self._forgetting = forgetting
        self._known = False
        self.low = 0.0
        self.high = 0.0

    def excess(self, value: float, least: float) -> float:
        """How far outside it lies, in widths of the range, 0 within it; then learn it.

        A range narrower than `least`, which is above 0, counts as that wide: what is nearly constant has no records.
        """
        low, high = self.low, self.high
        width = high - low
        shrink = width * self._forgetting
        if low + shrink <= value <= high - shrink:
            self.low = low + shrink
            self.high = high - shrink
            return 0.0
        if not self._known:
            self._known = True
            self.low = self.high = value
            return 0.0
        self.low = min(low + shrink, value)
        self.high = max(high - shrink, value)
        outside = max(value - high, low - value)
        return min(outside / max(width, least), FARTHEST) if outside > 0 else 0.0

    def share(self, value: float) -> float:
        """Where a number within the range lies in it, 0 to 1."""
        width = self.high - self.low
        return (value - self.low) / width if width > 0 else 0.0

    def state(self) -> list[float]:
        """What it knows."""
        return [self.low, self.high] if self._known else []

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        if len(state) not in {0, 2} or state != sorted(state):
            raise ValueError("a range has two ends")
        if state:
            self._known = True
            self.low, self.high = state

"""How a series moves from row to row: its steps, how lively it is beside before, and how long it stands still."""

from __future__ import annotations

from math import log

SHORT_RATE = 2 / 13  # of the mean step over 12 rows
LONG_RATE = 2 / 385  # and of that over 384
LONG_ROWS = 192  # before which a plain mean is the faster one
FIRST_ROWS = 50  # tell nothing of liveliness


class Movements:
    """Follows the steps of a series; what is nearly constant, with steps below `least`, has none."""

    __slots__ = ("_last", "_long", "_rows", "_same", "_short")

    def __init__(self) -> None:
        self._rows = 0
        self._same = 0
        self._short = 0.0
        self._long = 0.0
        self._last: float | None = None

    def clear(self) -> None:
        """Forget the last row: what follows a gap is no step from it."""
        self._last = None

    def add(self, value: float, least: float) -> tuple[float, float, float]:
        """Add a row; returns its step, and two numbers without a unit: of liveliness and of standing still.

        Liveliness is the logarithm of the steps' size of late over that of before; standing still is the logarithm of
        the number of rows with the same value, of a series that moves.
        """
        last = self._last
        self._last = value
        step = 0.0 if last is None else value - last
        self._same = self._same + 1 if value == last else 0
        self._rows = rows = self._rows + 1
        size = abs(step)
        if rows <= FIRST_ROWS:
            self._short += max(SHORT_RATE, 1 / rows) * (size - self._short)
            self._long += (size - self._long) / rows
            return step, 0.0, 0.0
        self._short = short = self._short + SHORT_RATE * (size - self._short)
        self._long = long = self._long + (LONG_RATE if rows > LONG_ROWS else 1 / rows) * (size - self._long)
        standstill = log(1 + self._same) if self._same and long > least else 0.0
        return step, log((short + least) / (long + least)), standstill

    def state(self) -> list[float]:
        """What `restore` takes."""
        last = [] if self._last is None else [self._last]
        return [self._rows, self._same, self._short, self._long, *last]

    def restore(self, state: list[float]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        if not 4 <= len(state) <= 5 or min(state[:4]) < 0:
            raise ValueError("movements of another shape")
        rows, same, self._short, self._long, *last = state
        self._rows, self._same = int(rows), int(same)
        self._last = last[0] if last else None

"""Which rows that are unusual enough begin an alarm: one shift is one alarm, something larger still is another."""

from __future__ import annotations

REPEAT_ROWS = 24  # after an alarm, in which the evidence of one event adds up
REPEAT_FACTOR = 3.0  # what is so many times as strong as that alarm is another one all the same


class AlarmGate:
    """An alarm raises a bar to its own level; the bar halves every `hold_rows`, and what stays below begins none."""

    __slots__ = ("_bar", "_bar_row", "_fade", "_level", "_row")

    def __init__(self, hold_rows: float) -> None:
        self._fade = 0.5 ** (1 / hold_rows)
        self._bar = self._level = 0.0
        self._bar_row = 0
        self._row = -REPEAT_ROWS - 1

    def begins(self, row: int, level: float) -> bool:
        """Whether an alarm begins with a row of this number that has reached the alarm level; rows come in order."""
        if level <= self._bar * self._fade ** (row - self._bar_row):
            return False
        self._bar, self._bar_row = level, row
        if row - self._row <= REPEAT_ROWS and level < REPEAT_FACTOR * self._level:
            return False
        self._level, self._row = level, row
        return True

    def state(self, row: int) -> list[float]:
        """What `restore` takes: the bar at a row, the level of the last alarm, and how many rows ago it was."""
        return [self._bar * self._fade ** (row - self._bar_row), self._level, row - self._row]

    def restore(self, row: int, bar: float, level: float = 0.0, rows_ago: float = REPEAT_ROWS + 1) -> None:
        """Continue at a row; raises `ValueError` if a number is negative."""
        if min(bar, level, rows_ago) < 0:
            raise ValueError("an alarm of another shape")
        self._bar, self._bar_row, self._level, self._row = bar, row, level, row - int(rows_ago)

"""What the models forecast: one series, from its end and from several ends in its past, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Frame:
    """A series without gaps, cut into rows of one season (`day` steps) that are counted back from its end.

    `rows` says after how many rows each forecast starts, the first from the end of the series; a model returns one path
    of `horizon` steps for each, made of nothing later. `week` is a multiple of `day`: as long as it where there is
    none. The rows of a series that is not `seasonal` do not repeat each other; where there is no week either, a row is
    just a piece of the series.
    """

    values: Array
    rows: Places
    day: int
    week: int
    horizon: int
    seasonal: bool = True

    @cached_property
    def table(self) -> Array:
        """The series as rows of one day."""
        count = len(self.values) // self.day
        return self.values[len(self.values) - count * self.day :].reshape(count, self.day)

    @cached_property
    def ends(self) -> Places:
        """Each forecast's first step, as a place in `values`."""
        return len(self.values) % self.day + self.rows * self.day

    @property
    def of_days(self) -> bool:
        """Whether a row is a day (or a week of days), and not just a piece."""
        return self.seasonal or self.week > self.day

    @property
    def days(self) -> int:
        """How many rows the horizon reaches into."""
        return -(-self.horizon // self.day)

    @property
    def days_a_week(self) -> int:
        """Rows until the same weekday comes back; 1 where there is no week."""
        return self.week // self.day

    def with_rows(self, rows: Places, horizon: int) -> Frame:
        """The same series from other ends."""
        return Frame(self.values, rows, self.day, self.week, horizon, self.seasonal)

    def before(self, period: int, count: int) -> tuple[Array, NDArray[np.bool_]]:
        """The last `count` periods before each end, the latest first, and which of them the series has."""
        starts = self.ends[:, None] - period * np.arange(1, count + 1)
        return self.values[np.maximum(starts, 0)[:, :, None] + np.arange(period)], starts >= 0

    def repeated(self, period: Array) -> Array:
        """One period for each end, repeated to the horizon."""
        return period[:, np.arange(self.horizon) % period.shape[1]]

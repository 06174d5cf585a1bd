"""How many series a run may publish, and what is left out where there are more."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from collector_core.errors import SeriesBudgetExceeded, one_line
from collector_core.model.words import some_of

MOST_NAMED = 3  # parts in one message


class SeriesLimit:
    """What does not fit into `most` series: parts are named, and so is the metric that most of it belongs to.

    `left_out` is how many series were left out.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.left_out = 0
        self._parts: list[str] = []
        self._series: dict[tuple[str, tuple[str, ...]], int] = {}

    def leave_out(self, name: str, labels: Sequence[str], count: int = 1) -> None:
        """So many series of a metric do not fit."""
        key = name, tuple(labels)
        self._series[key] = self._series.get(key, 0) + count
        self.left_out += count

    def leave_out_part(self, name: str, others: int) -> None:
        """A part is left out as a whole: `others` of its series would have fitted."""
        self._parts.append(one_line(name))
        self.left_out += others

    def problem(self) -> SeriesBudgetExceeded | None:
        """What was left out and what to do about it; None where everything fitted."""
        if not self.left_out:
            return None
        (worst, labels), _ = max(self._series.items(), key=itemgetter(1))
        number = self.left_out
        what = f"{some_of(self._parts, MOST_NAMED)} ({number} series)" if self._parts else f"{number} series"
        return SeriesBudgetExceeded(
            f"left out, because there are more than max_series = {self.most}: {what}; "
            f"most of them in {worst} (labels: {', '.join(labels) or 'none'})",
            fix="raise `max_series` of this collector, or let it publish less",
        )

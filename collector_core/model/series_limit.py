"""How many series a run may publish, and what is left out where there are more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector_core.errors import SeriesBudgetExceeded, one_line
from collector_core.model.words import some_of

MOST_NAMED = 3  # parts in one message


@dataclass
class SeriesLimit:
    """What does not fit into `most` series: parts are named, and so is the metric that most of it belongs to."""

    most: int
    _parts: list[str] = field(default_factory=list)
    _series: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    _also: int = 0

    @property
    def left_out(self) -> int:
        """How many series were left out."""
        return self._series.total() + self._also

    def leave_out(self, name: str, labels: Sequence[str], count: int = 1) -> None:
        """So many series of a metric do not fit."""
        self._series[name, tuple(labels)] += count

    def leave_out_part(self, name: str, others: int) -> None:
        """A part is left out as a whole: `others` of its series would have fitted."""
        self._parts.append(one_line(name))
        self._also += others

    def problem(self) -> SeriesBudgetExceeded | None:
        """What was left out and what to do about it; None where everything fitted."""
        if not self.left_out:
            return None
        ((worst, labels), _) = self._series.most_common(1)[0]
        number = self.left_out
        what = f"{some_of(self._parts, MOST_NAMED)} ({number} series)" if self._parts else f"{number} series"
        return SeriesBudgetExceeded(
            f"left out, because there are more than max_series = {self.most}: {what}; "
            f"most of them in {worst} (labels: {', '.join(labels) or 'none'})",
            fix="raise `max_series` of this collector, or let it publish less",
        )

"""What a plugin may ask of the past; this much of it needs no store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collector_core.model.selector import Selector
from collector_core.model.series import Series


@dataclass(frozen=True, slots=True)
class PastSeries:
    """A series over time: `points` are pairs of Unix seconds and value, in the order of time; gaps are left out."""

    series: Series
    points: Sequence[tuple[float, float]]

    @property
    def unit(self) -> str:
        """The unit of the values, such as `watts`; empty where it has none."""
        return self.series.unit

    @property
    def is_counter(self) -> bool:
        """Whether only the rises of the values mean something."""
        return self.series.is_counter


@dataclass(frozen=True, slots=True)
class PastEvent:
    """Something that happened at a time (Unix seconds): `kind` is a word such as `start`, `anomaly` or `mode`."""

    time: float
    kind: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class PastEnergy:
    """What the ledger counted in a period, in total and in `parts` by component, device or method.

    `cost` is in the ledger's currency, `grams` are those of CO2; None where nobody counts them. `covered_seconds` is
    how much of the period was measured.
    """

    joules: float = 0.0
    cost: float | None = None
    grams: float | None = None
    covered_seconds: float = 0.0
    parts: Mapping[str, PastEnergy] = field(default_factory=dict)


class History:
    """What was kept of what the collectors published. Safe to use from any thread; this one keeps nothing.

    All methods but `is_kept` may wait for a disk, so call them on the collector's own thread, and raise
    `HistoryUnavailable` where the history cannot be read now. Times are Unix seconds, periods go from `start` to before
    `end`. What was published within the last seconds (`history: {flush: 10s}`) may not be there yet.
    """

    @property
    def is_kept(self) -> bool:
        """Whether there is a history at all; False with `history: off`, and in programs that look once."""
        return False

    def query(
        self, selector: Selector | None, start: float, end: float, *, step: float | None = None, fn: str = "mean"
    ) -> list[PastSeries]:
        """The series that are meant, all without a selector, of which there are points, in the order of their texts.

        Without `step` (seconds) the points are as they were collected, and coarser where these have been deleted. With
        one they stand at multiples of it and say `fn` of what follows: `mean`, `min`, `max`, `last`, and of counters
        `increase` or `rate`. Raises `ValueError` for another `fn`, or a step that is not positive.
        """
        del selector, start, end, step, fn
        return []

    def events(self, start: float, end: float) -> list[PastEvent]:
        """What happened, in the order of time."""
        del start, end
        return []

    def energy(self, start: float, end: float, *, by: str = "component") -> PastEnergy:
        """The energy of a period; `by` is `component`, `device` or `method`, else `ValueError` is raised."""
        del start, end, by
        return PastEnergy()

"""How one run of a collector ended, for whoever watches the others: the log, the page, observing collectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collector_core.errors import Reason
from collector_core.model.published import Published
from collector_core.model.readings import NOTHING, PartFailure, Snapshot
from collector_core.model.result import Result


@dataclass(frozen=True, slots=True)
class RunReport:
    """How one run ended.

    `duration` is in seconds, `ended_at` in seconds since 1970 (wall clock), `ended_monotonic` in seconds of the
    context's monotonic clock. `snapshot` is what the run brought, None where it failed; `labels` are those that every
    series of the collector has. A run without data says why in `reason`, `error` and `fix`.
    """

    collector: str
    plugin: str
    result: Result
    duration: float
    ended_at: float
    ended_monotonic: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    reason: Reason | None = None
    error: str = ""
    fix: str = ""
    traceback: str = ""
    part_failures: tuple[PartFailure, ...] = ()

    @property
    def published(self) -> Published:
        """What the run brought, as a `Selector` takes it; nothing where it failed."""
        return Published(self.collector, self.labels, NOTHING if self.snapshot is None else self.snapshot)

"""What each output says about itself: the `collector_output_*` metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from collector_core.model.metrics import Counter, Gauge
from collector_core.model.readings import Readings, Snapshot
from collector_core.model.units import Unit

_ID = ("output",)

UP = Gauge(
    "collector_output_up",
    "Whether the last attempt to deliver succeeded.",
    labels=_ID,
    topic="availability",
    of="output",
    title="Output",
)
SENT = Counter("collector_output_sent_total", "Records that the receiver has taken.", labels=_ID)
DROPPED = Counter(
    "collector_output_dropped_total",
    "Records that were dropped: refused by the receiver, or queue_full, too_old, superseded, corrupt.",
    labels=(*_ID, "reason"),
)
QUEUE_BYTES = Gauge("collector_output_queue_bytes", "Size of what waits to be delivered.", Unit.BYTES, _ID)
OLDEST = Gauge(
    "collector_output_oldest_seconds", "Age of the oldest record that waits; 0 if none does.", Unit.SECONDS, _ID
)

METRICS = (UP, SENT, DROPPED, QUEUE_BYTES, OLDEST)


class Drop(StrEnum):
    """Why records were not delivered."""

    REFUSED = "refused"
    """The receiver will never take them."""
    QUEUE_FULL = "queue_full"
    TOO_OLD = "too_old"
    SUPERSEDED = "superseded"
    """A newer value has taken their place."""
    CORRUPT = "corrupt"
    """The disk returned something else than was written."""


@dataclass
class OutputHealth:
    """One output's own figures. `error` and `fix` say why it is not `up`; `queue_problem` what is wrong on disk."""

    output: str
    up: bool = False
    error: str = ""
    fix: str = ""
    queue_problem: str = ""
    sent: int = 0
    dropped: dict[Drop, int] = field(default_factory=lambda: dict.fromkeys(Drop, 0))
    queue_bytes: int = 0
    queue_records: int = 0
    oldest_at: float | None = None

    def oldest_seconds(self, now: float) -> float:
        """The age of the oldest record that waits; `now` in seconds since 1970."""
        return 0.0 if self.oldest_at is None else max(0.0, now - self.oldest_at)

    def snapshot(self, now: float, previous: Snapshot) -> Snapshot:
        """The health as series."""
        out = Readings(METRICS, max_series=len(METRICS) + len(Drop), previous=previous)
        out.add(UP, self.up, output=self.output)
        out.add(SENT, self.sent, output=self.output)
        for reason, count in self.dropped.items():
            out.add(DROPPED, count, output=self.output, reason=reason.value)
        out.add(QUEUE_BYTES, self.queue_bytes, output=self.output)
        out.add(OLDEST, self.oldest_seconds(now), output=self.output)
        return out.snapshot()

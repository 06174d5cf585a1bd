"""What the history says about itself."""

from __future__ import annotations

from collections.abc import Mapping

from collector_core.model.metrics import Counter, Gauge
from collector_core.model.readings import Readings, Snapshot
from collector_core.model.units import Unit

UP = Gauge(
    "collector_history_up",
    "Whether readings are kept.",
    topic="availability",
    of="history",
    title="History of readings",
)
BYTES = Gauge("collector_history_bytes", "What the files of the history take on disk.", Unit.BYTES)
PROBLEMS = Counter(
    "collector_history_problems_total", "How often the history could not be kept, by reason.", labels=("reason",)
)
DROPPED = Counter(
    "collector_history_dropped_samples_total", "Readings that were not kept because too many waited to be written."
)

METRICS = (UP, BYTES, PROBLEMS, DROPPED)


def snapshot(*, up: bool, size: int | None, problems: Mapping[str, int], dropped: int) -> Snapshot:
    """The state as series; the size is absent where it is not known."""
    out = Readings(METRICS, max_series=100)
    out.add(UP, up)
    if size is not None:
        out.add(BYTES, size)
    for reason, count in problems.items():
        out.add(PROBLEMS, count, reason=reason)
    out.add(DROPPED, dropped)
    return out.snapshot()

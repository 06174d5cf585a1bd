"""`process_*` and `python_info`, as prometheus_client has them, kept fresh on the wheel instead of in the scrape."""

from __future__ import annotations

from collector_core.exposition import Exposition

INTERVAL = 5.0  # seconds


class ProcessMetrics:
    """Something for the scheduler's wheel."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def tick(self, now: float) -> float:
        """Publish the figures of this process; returns when the next ones are due (monotonic seconds)."""
        self._exposition.freeze_process_metrics()
        return (now // INTERVAL + 1) * INTERVAL

"""What the program says of itself, for outputs: process, plugins, history, outputs, collectors that are down."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collector_core.exposition.sources import Exposition
from collector_core.model.clock import Clock
from collector_core.outputs.outputs import Outputs

INTERVAL = 5.0  # seconds


def health_source(collector: str) -> str:
    """The source of what the framework says of a collector."""
    return f"{collector} (health)"


class OwnSamples:
    """Hands to outputs what no run brings, as something that the watchdog looks after.

    `running` are the names of the collectors whose runs are told with their health.
    """

    def __init__(
        self, exposition: Exposition, outputs: Outputs, clock: Clock, running: Callable[[], Collection[str]]
    ) -> None:
        self._exposition = exposition
        self._outputs = outputs
        self._clock = clock
        self._running = running

    def tick(self, now: float) -> float:
        """Let outputs know; returns when they are told again (monotonic seconds)."""
        if self._outputs.runners:
            told = {source for name in self._running() for source in (name, health_source(name))}
            own = [each for each in self._exposition.published() if each.source not in told]
            self._outputs.hear(self._clock.time(), *own)
        return (now // INTERVAL + 1) * INTERVAL

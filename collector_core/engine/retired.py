"""Collectors that were removed, as long as their threads have not ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector_core.engine.runner import Runner

INTERVAL = 5.0  # seconds between two counts


class Retired:
    """Keeps them, and tells how many hang whenever the watchdog ticks. One thread at a time may add."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.runners: tuple[Runner, ...] = ()
        self._tell = tell

    def add(self, runner: Runner) -> None:
        """Stop a runner; returns at once."""
        runner.stop()
        self.runners = (*(each for each in self.runners if not each.join(0)), runner)

    def hung(self, name: str | None = None) -> int:
        """The number of those that hang, or of those with this name."""
        return sum(each.hung for each in self.runners if name in (None, each.instance.name))

    def tick(self, now: float) -> float:
        """Tell the number; returns when to do so again (monotonic seconds)."""
        self._tell(self.hung())
        return (now // INTERVAL + 1) * INTERVAL

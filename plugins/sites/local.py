"""This machine as a site: what the ledger adds up becomes one reading per run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import Clock
from collector_core.metering import EnergyMeter, Ledger

LONGEST_SECONDS = 86_400.0


class LocalMeter:
    """Makes readings of the energy meters that the collectors of this machine hand over."""

    def __init__(self, site: str, clock: Clock) -> None:
        self._site = site
        self._clock = clock
        self._ledger = Ledger()
        self._since: tuple[float, float] | None = None

    def reading(self, meters: Sequence[EnergyMeter]) -> dict[str, Any] | None:
        """The reading of the time since the last call; None where nothing is measured, or it is the first."""
        new = sum(self._ledger.update(list(meters), self._clock.monotonic()).values())
        now, since = (self._clock.monotonic(), self._clock.time()), self._since
        self._since = now
        if since is None or not self._ledger.joules:
            return None
        seconds = now[0] - since[0]
        if not 0.001 <= seconds <= LONGEST_SECONDS:
            return None
        return {
            "site_id": self._site,
            "timestamp": now[1],
            "interval_seconds": seconds,
            "power_watts": new / seconds,
            "meter": "ledger",
        }

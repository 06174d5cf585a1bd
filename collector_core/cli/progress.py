"""One line on the terminal that changes while a command runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from collector_core.cli.results import mean_watts
from collector_core.measure.measurement import Measurement
from collector_core.model.quantities import quantity

INTERVAL_SECONDS = 0.25
_CLEAR = "\r\x1b[2K"  # ECMA-48: erase the line


class LiveLine:
    """Shows what a measurement has come to, where stderr is a terminal; elsewhere it does nothing."""

    def __init__(self, so_far: Callable[[], Measurement]) -> None:
        self._so_far = so_far
        self._wanted = sys.stderr.isatty()
        self._next = time.monotonic() + INTERVAL_SECONDS
        self._shown = False

    def update(self) -> None:
        """Write the line anew if it is time to."""
        now = time.monotonic()
        if self._wanted and now >= self._next:
            self._next, self._shown = now + INTERVAL_SECONDS, True
            sys.stderr.write(_CLEAR + line(self._so_far()))
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


def line(measurement: Measurement) -> str:
    """Duration, energy, power, CPU and memory so far."""
    parts = [
        quantity(measurement.duration_seconds, "s"),
        ("≈ " if measurement.estimated else "") + quantity(measurement.energy_joules, "J"),
        quantity(mean_watts(measurement), "W"),
        f"CPU {measurement.cpu_percent or 0:.0f} %",
        quantity(measurement.memory_bytes, "B"),
    ]
    return "  ".join(part for part in parts if part.strip("≈ "))

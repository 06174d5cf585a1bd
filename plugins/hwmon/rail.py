"""One sensor, as chips of every kind tell it."""

from __future__ import annotations

from typing import NamedTuple


class Rail(NamedTuple):
    """What is known at one sensor, in watts, joules, volts and amperes; None where it is not told."""

    chip: str
    sensor: str
    watts: float | None = None
    joules: float | None = None
    volts: float | None = None
    amperes: float | None = None

    def with_watts(self) -> Rail:
        """The same, its watts being volts x amperes where only these are told."""
        if self.watts is not None or self.volts is None or self.amperes is None:
            return self
        return self._replace(watts=self.volts * self.amperes)

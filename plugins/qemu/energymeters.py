"""Guests as energy meters: parts of the host's processors, shown beside the ledger and never added to it."""

from __future__ import annotations

from collections.abc import Sequence

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.qemu.labels import Labels
from collector_plugins.qemu.view import View

# What a polynomial of the CPU use alone misses of a host (memory, disks, frequencies): a rule of thumb, not measured.
UNCERTAINTY = 0.25


class GuestMeters:
    """A meter for each guest that has watts, the same ones from run to run as long as the guests are the same.

    `interval` is the seconds between runs.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._labels: list[Labels] = []
        self._runs = _Runs()
        self._meters: tuple[EnergyMeter, ...] = ()

    def of(self, view: View) -> Sequence[EnergyMeter]:
        """Those of one run's guests; all that were handed out for the same guests say from now on what it found."""
        labels = [guest.labels for guest in view.columns.guests] if view.columns.joules else []
        if labels == self._labels:
            self._runs.last = view
        else:
            self._labels, self._runs = labels, _Runs(view)
            self._meters = tuple(self._meter(place, names) for place, names in enumerate(labels))
        return self._meters

    def _meter(self, place: int, names: Labels) -> EnergyMeter:
        runs = self._runs

        def latest() -> EnergyReading | None:
            return runs.reading(place)

        return EnergyMeter(
            component=Component.CPU,
            device=":".join(filter(None, names)),
            method=EnergyMethod.MODEL,
            uncertainty=UNCERTAINTY,
            period=self._interval,
            latest=latest,
            read=latest,
            inside=Component.CPU,
        )


class _Runs:
    """The last run with the same guests in the same order; replaced as a whole, so that any thread may look."""

    def __init__(self, last: View | None = None) -> None:
        self.last = last

    def reading(self, place: int) -> EnergyReading | None:
        """What one guest has drawn."""
        view = self.last
        return None if view is None else EnergyReading(view.columns.joules[place], view.read_at)

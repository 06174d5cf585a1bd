"""Guests as energy meters: parts of the host's processors, shown beside the ledger and never added to it."""

from __future__ import annotations

from collections.abc import Iterator

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.qemu.view import View

# What a polynomial of the CPU use alone misses of a host (memory, disks, frequencies): a rule of thumb, not measured.
UNCERTAINTY = 0.25


def energy_meters(view: View, interval: float) -> Iterator[EnergyMeter]:
    """A meter for each guest that has watts, as of one run; `interval` is the seconds between runs."""
    for guest, joules in zip(view.columns.guests, view.columns.joules, strict=False):
        yield _meter(":".join(filter(None, guest.labels)), EnergyReading(joules, view.read_at), interval)


def _meter(device: str, reading: EnergyReading, interval: float) -> EnergyMeter:
    def latest() -> EnergyReading:
        return reading

    return EnergyMeter(
        component=Component.CPU,
        device=device,
        method=EnergyMethod.MODEL,
        uncertainty=UNCERTAINTY,
        period=interval,
        latest=latest,
        read=latest,
        inside=Component.CPU,
    )

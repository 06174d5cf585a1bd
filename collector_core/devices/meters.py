"""Devices as energy meters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from collector_core.devices.energy import DeviceEnergy
from collector_core.devices.options import Device
from collector_core.metering.meters import EnergyMeter, EnergyMethod, Supply

MAX_GAP_INTERVALS = 3.0
UNCERTAINTY = 0.02  # plugs, UPS and boards state 1 to 3 %


class Measured(NamedTuple):
    """What a device, or a `part` of it, tells of its power in watts and its own counter in joules."""

    watts: float | None
    joules: float | None = None
    part: str = ""


class DeviceMeters:
    """The energy of devices; `plugin` is the component that they are in the ledger, `interval` in seconds."""

    def __init__(self, plugin: str, supply: Supply, interval: float) -> None:
        self._plugin = plugin
        self._supply = supply
        self._interval = interval
        self._energy: dict[str, DeviceEnergy] = {}
        self._alive: dict[str, EnergyMeter] = {}

    @property
    def alive(self) -> Sequence[EnergyMeter]:
        """Those that were recorded in the last run."""
        return tuple(self._alive.values())

    def begin_run(self) -> None:
        """What is not recorded from now on is not alive."""
        self._alive = {}

    def record(self, device: Device, measured: Measured, now: float) -> None:
        """Take what a device said at `now` (seconds, monotonic).

        Raises `ValueError` for a counter that is negative or not finite.
        """
        name = f"{device.name}/{measured.part}" if measured.part else device.name
        energy = self._energy.setdefault(name, DeviceEnergy(MAX_GAP_INTERVALS * self._interval))
        energy.record(now, watts=measured.watts, joules=measured.joules)
        if measured.watts is not None or measured.joules is not None:
            self._alive[name] = self._meter(device, name, energy)

    def counted(self, device: str) -> float | None:
        """A device's own counter in joules, made never to fall; None where it has none."""
        energy = self._energy.get(device)
        return energy.counted if energy else None

    def _meter(self, device: Device, name: str, energy: DeviceEnergy) -> EnergyMeter:
        return EnergyMeter(
            self._plugin,
            name,
            EnergyMethod.METER,
            UNCERTAINTY,
            self._interval,
            energy.latest,
            read=energy.latest,
            feeds=device.feeds,
            supply=self._supply,
        )

"""Devices as energy meters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from collector_core.devices.energy import DeviceEnergy
from collector_core.devices.options import Device
from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod, EnergyReading, Supply

MAX_GAP_INTERVALS = 3.0
UNCERTAINTY = 0.02  # plugs, UPS and boards state 1 to 3 %


class Measured(NamedTuple):
    """What a device, or a `part` of it, tells of its power in watts and its own counter in joules."""

    watts: float | None
    joules: float | None = None
    part: str = ""


class DeviceMeters:
    """The energy of devices; `plugin` is the component that they are in the ledger, `interval` in seconds.

    `inside` is for those whose energy is somewhere within this machine's unless `feeds:` says otherwise.
    """

    def __init__(
        self,
        plugin: str,
        supply: Supply,
        interval: float,
        devices: Iterable[Device] = (),
        inside: Component | None = None,
    ) -> None:
        self._plugin = plugin
        self._supply = supply
        self._interval = interval
        self._inside = inside
        self._energy: dict[str, DeviceEnergy] = {}
        self._alive: set[str] = set()
        # What a device feeds is known before it answers: a machine with two supplies is not what one of them says.
        self._meters = {device.name: self._meter(device, device.name) for device in devices if device.feeds}

    @property
    def offered(self) -> Sequence[EnergyMeter]:
        """All that have told power or energy, or feed something; `latest` of those that are gone is None."""
        return tuple(self._meters.values())

    def begin_run(self) -> None:
        """What is not recorded from now on is not alive."""
        self._alive = set()

    def record(self, device: Device, measured: Measured, now: float) -> None:
        """Take what a device said at `now` (seconds, monotonic).

        Raises `ValueError` for a counter that is negative or not finite.
        """
        if measured.watts is None and measured.joules is None:
            return
        name = f"{device.name}/{measured.part}" if measured.part else device.name
        self._energy_of(name).record(now, watts=measured.watts, joules=measured.joules)
        self._alive.add(name)
        if name not in self._meters:
            self._meters[name] = self._meter(device, name)
            if measured.part:
                self._meters.pop(device.name, None)  # its parts stand for it

    def counted(self, device: str) -> float | None:
        """A device's own counter in joules, made never to fall; None where it has none."""
        energy = self._energy.get(device)
        return energy.counted if energy else None

    def _energy_of(self, name: str) -> DeviceEnergy:
        return self._energy.setdefault(name, DeviceEnergy(MAX_GAP_INTERVALS * self._interval))

    def _meter(self, device: Device, name: str) -> EnergyMeter:
        def latest() -> EnergyReading | None:
            return self._energy_of(name).latest() if name in self._alive else None

        return EnergyMeter(
            self._plugin,
            name,
            EnergyMethod.METER,
            UNCERTAINTY,
            self._interval,
            latest,
            read=latest,
            inside=self._inside,
            feeds=device.feeds,
            supply=self._supply if device.supply is None else device.supply,
        )

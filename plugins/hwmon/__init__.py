"""Power, energy, volts and amperes of the chips on this machine's board, and its batteries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector_core import (
    Collector,
    CollectorConfig,
    Component,
    Context,
    EnergyMeter,
    Field,
    NotAvailable,
    Readings,
    Reason,
    hookimpl,
)
from collector_core.devices import Device, DeviceMeters, FoundDevices, Measured
from collector_core.metering import Supply
from collector_plugins.hwmon import metrics
from collector_plugins.hwmon.rail import Rail
from collector_plugins.hwmon.sources import HWMON, POWER_SUPPLY, Read, Told, find_sources
from collector_plugins.hwmon.supplies import Battery


class Config(CollectorConfig):
    """Options of the hwmon plugin."""

    exclude: tuple[str, ...] = Field(
        (), description="Chips, batteries and chargers to leave out, as shell patterns: `[nct*]`."
    )


class Hwmon(Collector[Config]):
    """Reads every chip and battery on a thread of its own: one that hangs costs the others nothing."""

    name = "hwmon"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 10.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._meters = DeviceMeters(self.name, Supply.CHASSIS, ctx.interval, inside=Component.HOST)
        folders = [ctx.path(folder) for folder in (HWMON, POWER_SUPPLY)]
        self._devices: FoundDevices[Read, Sequence[Told]] = FoundDevices(ctx, self._find, _read, folders)

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None where a chip tells power, energy, volts or amperes, or there is a battery."""
        return None if find_sources(ctx, ()) else _nothing_there(ctx)

    def collect(self, out: Readings) -> None:
        """Read all of them; raises `NotAvailable` where there is nothing, or nothing may be read."""
        try:
            answers = list(self._devices.poll(out, _nothing_there(self.ctx), label="source"))
        finally:
            self._meters.begin_run()  # not before: while they are read, the ledger still knows what they said last
        for name, answer in answers:
            with out.part(source=name):
                for each in answer.value:
                    self._show(out, each, answer.time)

    def close(self) -> None:
        """Let go of what is under way."""
        self._devices.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Sensors that tell power or energy, and batteries while they supply this machine.

        What they are part of is not known: they count for nothing unless `feeds:` says what they feed.
        """
        return self._meters.offered

    def _find(self) -> Mapping[str, Read]:
        return find_sources(self.ctx, self.config.exclude)

    def _show(self, out: Readings, told: Told, now: float) -> None:
        if isinstance(told, Rail):
            self._show_rail(out, told, now)
        elif isinstance(told, Battery):
            self._show_battery(out, told, now)
        elif told.online is not None:
            out.add(metrics.CHARGER_ONLINE, told.online, charger=told.name)

    def _show_rail(self, out: Readings, rail: Rail, now: float) -> None:
        device = _device(f"{rail.chip}/{rail.sensor}")
        self._meters.record(device, Measured(rail.watts, rail.joules), now)
        row = (metrics.POWER, metrics.ENERGY, metrics.VOLTAGE, metrics.CURRENT)
        counted = self._meters.counted(device.name) if rail.joules is not None else None
        out.add_row(row, (rail.watts, counted, rail.volts, rail.amperes), chip=rail.chip, sensor=rail.sensor)

    def _show_battery(self, out: Readings, battery: Battery, now: float) -> None:
        if battery.discharge:
            self._meters.record(_device(battery.name), Measured(battery.discharge), now)
        row = (metrics.DISCHARGE_POWER, metrics.CHARGE_POWER, metrics.CHARGE)
        out.add_row(row, (battery.discharge, battery.charge, battery.ratio), battery=battery.name)


def _read(source: Read) -> Sequence[Told]:
    return source()


def _device(name: str) -> Device:
    return Device.model_construct(name=name, feeds=())


def _nothing_there(ctx: Context) -> NotAvailable:
    return NotAvailable(
        Reason.NOT_FOUND,
        f"no chip below {ctx.path(HWMON)} tells power, volts or amperes, and {ctx.path(POWER_SUPPLY)} has no battery",
        fix="sudo sensors-detect loads the drivers of the board's chips; a virtual machine has none",
    )


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Hwmon,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.hwmon.demo import DemoHwmon  # noqa: PLC0415 - no other command needs it

    return (DemoHwmon,)

"""Energy meters and batteries of Windows, as PowerShell tells them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from collector_core import (
    Collector,
    CollectorConfig,
    Component,
    Context,
    EnergyMeter,
    EnergyMethod,
    EnergyReading,
    NotAvailable,
    Readings,
    Reason,
    hookimpl,
)
from collector_core.devices import DeviceEnergy, run_program
from collector_plugins.windows import metrics
from collector_plugins.windows.parsing import MeterReading, parse_batteries, parse_meters

POWERSHELL = ("powershell", "-NoProfile", "-NonInteractive", "-Command")
METERS = (
    "(Get-Counter '\\Energy Meter(*)\\Power','\\Energy Meter(*)\\Energy' -ErrorAction SilentlyContinue).CounterSamples"
    " | Select-Object Path,InstanceName,CookedValue | ConvertTo-Json -Compress"
)
BATTERIES = (
    "@(Get-CimInstance -Namespace root/wmi -ClassName BatteryStatus -ErrorAction SilentlyContinue)"
    " + @(Get-CimInstance -Namespace root/wmi -ClassName BatteryFullChargedCapacity -ErrorAction SilentlyContinue)"
    " | Select-Object InstanceName,ChargeRate,DischargeRate,RemainingCapacity,FullChargedCapacity"
    " | ConvertTo-Json -Compress"
)
DEADLINE = 0.45  # of the run's timeout, for each of the two
MAX_GAP_INTERVALS = 3.0
UNCERTAINTY = 0.05
NO_WINDOWS = "this plugin reads Windows only; delete it from `collectors:`"
NO_METER = "Energy Meter counters take Windows 11 24H2 (RAPL), or a device with meters of its own, such as a Surface"

_RAPL = re.compile(r"rapl_package(\d+)_(pkg|dram)")
_COMPONENTS = {"pkg": Component.CPU, "dram": Component.DRAM}


class Config(CollectorConfig):
    """No options: what there is to read is found."""


class Windows(Collector[Config]):
    """Asks for meters and for batteries; one that fails costs the other nothing."""

    name = "windows"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 15.0  # each question starts a PowerShell
    default_timeout = 14.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._energy: dict[str, DeviceEnergy] = {}
        self._told: frozenset[str] = frozenset()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None on Windows."""
        del ctx
        is_windows = sys.platform == "win32"
        return None if is_windows else NotAvailable(Reason.NOT_SUPPORTED, "this is not Windows", fix=NO_WINDOWS)

    def collect(self, out: Readings) -> None:
        """Ask for both; raises `NotAvailable` where neither answers, or there is neither."""
        told, has_battery = frozenset[str](), False
        with out.part(source="energy_meter"):
            told = self._show_meters(out, parse_meters(self._ask(METERS)))
        self._told = told  # not before: while PowerShell is asked, the ledger still knows what it said last
        with out.part(source="battery"):
            has_battery = self._show_batteries(out)
        if len(out.failures) > 1:
            raise out.failures[0].error.with_traceback(None)
        if not out.failures and not told and not has_battery:
            raise NotAvailable(Reason.NOT_FOUND, "Windows has no energy meter and no battery here", fix=NO_METER)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Packages and memory, where Windows shows their RAPL counters."""
        return tuple(self._meters())

    def _ask(self, question: str) -> bytes:
        return run_program([*POWERSHELL, question], DEADLINE * self.ctx.timeout, fix=NO_WINDOWS)

    def _show_meters(self, out: Readings, meters: dict[str, MeterReading]) -> frozenset[str]:
        """Returns their names."""
        now = self.ctx.clock.monotonic()
        for name, told in meters.items():
            energy = self._energy.setdefault(name, DeviceEnergy(MAX_GAP_INTERVALS * self.ctx.interval))
            energy.record(now, watts=None if told.joules is not None else told.watts, joules=told.joules)
            counted = energy.counted if told.joules is not None else None
            out.add_row((metrics.ENERGY, metrics.POWER), (counted, told.watts), meter=name)
        return frozenset(meters)

    def _show_batteries(self, out: Readings) -> bool:
        batteries = parse_batteries(self._ask(BATTERIES))
        for name, battery in batteries.items():
            out.add_row((metrics.DISCHARGE_POWER, metrics.CHARGE_POWER, metrics.CHARGE), battery, battery=name)
        return bool(batteries)

    def _meters(self) -> Iterator[EnergyMeter]:
        for name in self._energy:
            if match := _RAPL.fullmatch(name):
                latest = partial(self._latest, name)
                device, method = f"package-{match[1]}", EnergyMethod.RAPL
                component, period = _COMPONENTS[match[2]], self.ctx.interval
                yield EnergyMeter(component, device, method, UNCERTAINTY, period, latest, read=latest)

    def _latest(self, name: str) -> EnergyReading | None:
        return self._energy[name].latest() if name in self._told else None


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Windows,)

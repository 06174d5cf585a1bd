"""Power of Macs, as the programs `powermetrics`, `ioreg` and `pmset` tell it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
from collector_plugins.macos import metrics
from collector_plugins.macos.parsing import Battery, parse_ioreg, parse_pmset, parse_powermetrics

POWERMETRICS = ("powermetrics", "--samplers", "cpu_power,gpu_power", "-n", "1", "-i", "1000", "-f", "plist")
IOREG = ("ioreg", "-r", "-c", "AppleSmartBattery", "-a")
PMSET = ("pmset", "-g", "batt")
DEADLINE = 0.8  # of the run's timeout, for all three
MAX_GAP_INTERVALS = 3.0
UNCERTAINTY = 0.1  # Apple: figures of powermetrics are estimates
PACKAGE, SYSTEM, INTERNAL = "package", "system", "InternalBattery-0"
AS_ROOT = "run energy-collector on a Mac, and as root: powermetrics answers nobody else"
NO_MAC = "this plugin reads Macs only; delete it from `collectors:`"
INSIDE = frozenset({Component.CPU, Component.DRAM, Component.GPU})


class Config(CollectorConfig):
    """No options: what there is to read is found."""


class MacOs(Collector[Config]):
    """Asks each program; one that fails costs the others nothing."""

    name = "macos"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 10.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._energy = {name: DeviceEnergy(MAX_GAP_INTERVALS * ctx.interval) for name in (PACKAGE, SYSTEM)}
        self._told: set[str] = set()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None on a Mac."""
        del ctx
        is_mac = sys.platform == "darwin"
        return None if is_mac else NotAvailable(Reason.NOT_SUPPORTED, "this is not macOS", fix=NO_MAC)

    def collect(self, out: Readings) -> None:
        """Ask all of them; raises `NotAvailable` where none answers."""
        self._told = set()
        with out.part(program=POWERMETRICS[0]):
            self._show_parts(out, parse_powermetrics(self._run(POWERMETRICS, AS_ROOT)))
        with out.part(program=IOREG[0]):
            self._show_battery(out, parse_ioreg(self._run(IOREG, NO_MAC)))
        with out.part(program=PMSET[0]):
            for battery, charge in parse_pmset(self._run(PMSET, NO_MAC).decode(errors="replace")):
                out.add(metrics.CHARGE, charge, battery=battery)
        if len(out.failures) == len((POWERMETRICS, IOREG, PMSET)):
            raise out.failures[0].error.with_traceback(None)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The chip, and the machine with it inside."""
        return (
            self._meter(PACKAGE, Component.CPU, "package-0", frozenset()),
            self._meter(SYSTEM, Component.HOST, SYSTEM, INSIDE),
        )

    def _run(self, words: Sequence[str], fix: str) -> bytes:
        return run_program(words, DEADLINE * self.ctx.timeout, fix=fix)

    def _show_parts(self, out: Readings, watts: dict[str, float]) -> None:
        for part, value in watts.items():
            out.add(metrics.POWER, value, part=part)
        self._record(PACKAGE, watts.get(PACKAGE))

    def _show_battery(self, out: Readings, battery: Battery) -> None:
        if battery.system is not None:
            out.add(metrics.SYSTEM_POWER, battery.system)
        row = (metrics.DISCHARGE_POWER, metrics.CHARGE_POWER)
        out.add_row(row, (battery.discharge, battery.charge), battery=INTERNAL)
        self._record(SYSTEM, battery.system)

    def _record(self, name: str, watts: float | None) -> None:
        if watts is not None:
            self._energy[name].record(self.ctx.clock.monotonic(), watts=watts, joules=None)
            self._told.add(name)

    def _meter(self, name: str, component: Component, device: str, covers: frozenset[Component | str]) -> EnergyMeter:
        def latest() -> EnergyReading | None:
            return self._energy[name].latest() if name in self._told else None

        return EnergyMeter(
            component,
            device,
            EnergyMethod.POWER_INTEGRAL,
            UNCERTAINTY,
            self.ctx.interval,
            latest,
            read=latest,
            covers=covers,
        )


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (MacOs,)

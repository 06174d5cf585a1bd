"""Power of Macs, as the programs `powermetrics`, `ioreg` and `pmset` tell it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
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
SHARES = {
    "powermetrics": 0.5,
    "ioreg": 0.2,
    "pmset": 0.2,
}  # of the run's timeout, so that one that hangs costs no other
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
        watts: dict[str, float | None] = dict.fromkeys(self._energy)
        with out.part(program=POWERMETRICS[0]):
            watts[PACKAGE] = _show_parts(out, parse_powermetrics(self._run(POWERMETRICS, AS_ROOT)))
        with out.part(program=IOREG[0]):
            watts[SYSTEM] = _show_battery(out, parse_ioreg(self._run(IOREG, NO_MAC)))
        with out.part(program=PMSET[0]):
            for battery, charge in parse_pmset(self._run(PMSET, NO_MAC).decode(errors="replace")):
                out.add(metrics.CHARGE, charge, battery=battery)
        self._record(watts)
        if len(out.failures) == len(SHARES):
            raise out.failures[0].error.with_traceback(None)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The chip, and the machine with it inside."""
        return (
            self._meter(PACKAGE, Component.CPU, "package-0", frozenset()),
            self._meter(SYSTEM, Component.HOST, SYSTEM, INSIDE),
        )

    def _run(self, words: Sequence[str], fix: str) -> bytes:
        return run_program(words, SHARES[words[0]] * self.ctx.timeout, fix=fix)

    def _record(self, watts: Mapping[str, float | None]) -> None:
        """All at once: while programs are asked, the ledger still knows what they said last."""
        now = self.ctx.clock.monotonic()
        for name, value in watts.items():
            self._energy[name].record(now, watts=value, joules=None)
        self._told = {name for name, value in watts.items() if value is not None}

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


def _show_parts(out: Readings, watts: Mapping[str, float]) -> float | None:
    """Returns what the chip as a whole draws."""
    for part, value in watts.items():
        out.add(metrics.POWER, value, part=part)
    return watts.get(PACKAGE)


def _show_battery(out: Readings, battery: Battery) -> float | None:
    """Returns what the machine draws."""
    if battery.system is not None:
        out.add(metrics.SYSTEM_POWER, battery.system)
    row = (metrics.DISCHARGE_POWER, metrics.CHARGE_POWER)
    out.add_row(row, (battery.discharge, battery.charge), battery=INTERNAL)
    return battery.system


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (MacOs,)

"""What meters tell, whatever they speak: the words of options, and the metrics of a plugin that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple

from collector_core.devices.health import DeviceHealth
from collector_core.devices.meters import Measured
from collector_core.model.metrics import Counter, Gauge, Metric
from collector_core.model.readings import Readings
from collector_core.model.units import Unit

POWER = "power_watts"
ENERGY = "energy_joules"


class _Family(NamedTuple):
    unit: Unit | str
    topic: str
    help: str
    label: str = ""  # beside `device`
    least: float = 0.0
    most: float = 1e6


FAMILIES: Mapping[str, _Family] = MappingProxyType(
    {
        POWER: _Family(Unit.WATTS, "power", "Power through the device; negative is fed back.", least=-1e9, most=1e9),
        ENERGY: _Family(Unit.JOULES, "energy", "Energy through the device, as it counts it.", most=1e18),
        "export_energy_joules": _Family(
            Unit.JOULES, "energy_export", "Energy fed back through the device, as it counts it.", most=1e18
        ),
        "dc_power_watts": _Family(Unit.WATTS, "dc_power", "Power on the DC side of an inverter.", least=-1e9, most=1e9),
        "apparent_power_volt_amperes": _Family("volt_amperes", "apparent_power", "Apparent power.", most=1e9),
        "power_factor_ratio": _Family(
            Unit.RATIO, "power_factor", "Active divided by apparent power.", least=-1.0, most=1.0
        ),
        "voltage_volts": _Family(Unit.VOLTS, "voltage", "Voltage."),
        "current_amperes": _Family(Unit.AMPERES, "current", "Current.", least=-1e6),
        "frequency_hertz": _Family(Unit.HERTZ, "frequency", "Frequency of the grid."),
        "temperature_celsius": _Family(Unit.CELSIUS, "temperature", "Temperature.", least=-100.0, most=2000.0),
        "battery_charge_ratio": _Family(Unit.RATIO, "charge", "Charge of the battery, 0 to 1.", most=1.0),
        "phase_power_watts": _Family(
            Unit.WATTS, "phase_power", "Power of a phase, a part of the device's.", "phase", -1e9, 1e9
        ),
        "phase_voltage_volts": _Family(Unit.VOLTS, "phase_voltage", "Voltage of a phase.", "phase"),
        "phase_current_amperes": _Family(Unit.AMPERES, "phase_current", "Current of a phase.", "phase", -1e6),
        "outlet_power_watts": _Family(
            Unit.WATTS, "outlet_power", "Power of an outlet, a part of the device's.", "outlet", -1e9, 1e9
        ),
    }
)

JOULES_PER_WH = 3600.0
# Words of options → family, and the factor to its base unit.
WORDS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {family: (family, 1.0) for family in FAMILIES}
    | {
        "energy_kwh": (ENERGY, 1000 * JOULES_PER_WH),
        "energy_wh": (ENERGY, JOULES_PER_WH),
        "export_energy_kwh": ("export_energy_joules", 1000 * JOULES_PER_WH),
        "export_energy_wh": ("export_energy_joules", JOULES_PER_WH),
        "battery_charge_percent": ("battery_charge_ratio", 0.01),
    }
)


def quantity_words() -> frozenset[str]:
    """What a table of a device's numbers may call them: `power_watts`, `energy_kwh`, `phase_voltage_volts` …"""
    return frozenset(WORDS)


class DeviceReading(dict[tuple[str, str], float]):
    """What a device tells: by family, and by phase or outlet where the family has those, else ""."""

    def tell(self, word: str, value: float, part: str = "") -> None:
        """Add what a word of `WORDS` says; what is not finite, or impossible, is left out."""
        family, factor = WORDS[word]
        value *= factor
        if isfinite(value) and FAMILIES[family].least <= value <= FAMILIES[family].most:
            self[family, part] = value

    @property
    def measured(self) -> Measured:
        """What of it is power and energy."""
        return Measured(self.get((POWER, "")), self.get((ENERGY, "")))


class DeviceMetrics:
    """Declares the metrics of a plugin that reads meters, each family once, and shows readings."""

    def __init__(self, plugin: str) -> None:
        self.health = DeviceHealth(plugin)
        self._families = {name: _declare(plugin, name, family) for name, family in FAMILIES.items()}

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All of them, with those of the health; for a collector's `metrics`."""
        return *self._families.values(), *self.health.metrics

    def __getitem__(self, family: str) -> Metric:
        return self._families[family]

    def add(self, out: Readings, device: str, reading: DeviceReading, counted: float | None) -> None:
        """Show what a device tells; `counted` is its own energy counter, made never to fall."""
        for (family, part), value in reading.items():
            label = FAMILIES[family].label
            parts = {label: part} if label else {}
            if family != ENERGY:
                out.add(self._families[family], value, device=device, **parts)
            elif counted is not None:
                out.add(self._families[family], counted, device=device)


def _declare(plugin: str, name: str, family: _Family) -> Metric:
    kind, suffix = (Counter, "_total") if family.unit == Unit.JOULES else (Gauge, "")
    labels = ("device", family.label) if family.label else ("device",)
    words = name.removesuffix(f"_{family.unit}").replace("_", " ")
    title = f"{words.capitalize()} of a device of {plugin}"
    return kind(
        f"{plugin}_{name}{suffix}", family.help, family.unit, labels, topic=family.topic, of="plug", title=title
    )

"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit
from collector_core.devices import DeviceHealth

TARIFF = ("device", "tariff")
PHASE = ("device", "phase")

IMPORT_POWER = Gauge(
    "dsmr_import_power_watts",
    "Power from the grid, all phases together.",
    Unit.WATTS,
    ("device",),
    topic="import_power",
    of="grid",
    title="Power from the grid",
)
EXPORT_POWER = Gauge(
    "dsmr_export_power_watts",
    "Power into the grid, all phases together.",
    Unit.WATTS,
    ("device",),
    topic="export_power",
    of="grid",
    title="Power into the grid",
)
IMPORT_ENERGY = Counter(
    "dsmr_import_energy_joules_total",
    "Energy from the grid by tariff, as the meter counts it; `total` where it knows no tariffs.",
    Unit.JOULES,
    TARIFF,
    topic="import_energy",
    of="grid",
    title="Energy from the grid",
)
EXPORT_ENERGY = Counter(
    "dsmr_export_energy_joules_total",
    "Energy into the grid by tariff, as the meter counts it; `total` where it knows no tariffs.",
    Unit.JOULES,
    TARIFF,
    topic="export_energy",
    of="grid",
    title="Energy into the grid",
)
PHASE_POWER = Gauge(
    "dsmr_phase_power_watts",
    "Power of a phase; negative is fed back.",
    Unit.WATTS,
    PHASE,
    topic="phase_power",
    of="grid",
    title="Power of a phase",
)
PHASE_VOLTAGE = Gauge(
    "dsmr_phase_voltage_volts",
    "Voltage of a phase.",
    Unit.VOLTS,
    PHASE,
    topic="phase_voltage",
    of="grid",
    title="Voltage of a phase",
)
PHASE_CURRENT = Gauge(
    "dsmr_phase_current_amperes",
    "Current of a phase; most meters round it to whole amperes.",
    Unit.AMPERES,
    PHASE,
    topic="phase_current",
    of="grid",
    title="Current of a phase",
)
GAS = Counter(
    "dsmr_gas_cubic_meters_total",
    "Gas, as the meter on each channel of the smart meter counts it.",
    "cubic_meters",
    ("device", "channel"),
    topic="gas",
    of="home",
    title="Gas",
)
INFO = Info(
    "dsmr_info", "The identification that the meter sends, and the tariff in force.", ("device", "meter", "tariff")
)
HEALTH = DeviceHealth("dsmr")

ALL = (
    IMPORT_POWER,
    EXPORT_POWER,
    IMPORT_ENERGY,
    EXPORT_ENERGY,
    PHASE_POWER,
    PHASE_VOLTAGE,
    PHASE_CURRENT,
    GAS,
    INFO,
    *HEALTH.metrics,
)

"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Info, Unit
from collector_core.devices import DeviceHealth

LABELS = ("device", "ups")

POWER = Gauge(
    "ups_power_watts",
    "Power that the UPS supplies: ups.realpower, else ups.load of ups.realpower.nominal; absent where neither is told.",
    Unit.WATTS,
    LABELS,
    topic="power",
    of="ups",
    title="Power through a UPS",
)
INPUT_POWER = Gauge(
    "ups_input_power_watts",
    "Power that the UPS takes from the grid, losses and charging included (input.realpower).",
    Unit.WATTS,
    LABELS,
    topic="input_power",
    of="ups",
    title="Power into a UPS",
)
LOAD = Gauge("ups_load_ratio", "Load, 1 is full.", Unit.RATIO, LABELS, topic="load", of="ups", title="Load of a UPS")
CHARGE = Gauge(
    "ups_battery_charge_ratio",
    "Charge of the battery, 0 to 1.",
    Unit.RATIO,
    LABELS,
    topic="charge",
    of="ups",
    title="Charge of a UPS battery",
)
RUNTIME = Gauge(
    "ups_battery_runtime_seconds",
    "How long the battery lasts at this load, as the UPS reckons.",
    Unit.SECONDS,
    LABELS,
    topic="runtime",
    of="ups",
    title="Runtime of a UPS",
)
BATTERY_VOLTAGE = Gauge(
    "ups_battery_voltage_volts",
    "Voltage of the battery.",
    Unit.VOLTS,
    LABELS,
    topic="battery_voltage",
    of="ups",
    title="Battery voltage of a UPS",
)
INPUT_VOLTAGE = Gauge(
    "ups_input_voltage_volts",
    "Voltage of the grid.",
    Unit.VOLTS,
    LABELS,
    topic="voltage",
    of="ups",
    title="Input voltage of a UPS",
)
OUTPUT_VOLTAGE = Gauge(
    "ups_output_voltage_volts",
    "Voltage that the UPS supplies.",
    Unit.VOLTS,
    LABELS,
    topic="output_voltage",
    of="ups",
    title="Output voltage of a UPS",
)
INPUT_FREQUENCY = Gauge(
    "ups_input_frequency_hertz",
    "Frequency of the grid.",
    Unit.HERTZ,
    LABELS,
    topic="frequency",
    of="ups",
    title="Input frequency of a UPS",
)
TEMPERATURE = Gauge(
    "ups_temperature_celsius",
    "Temperature of the UPS.",
    Unit.CELSIUS,
    LABELS,
    topic="temperature",
    of="ups",
    title="Temperature of a UPS",
)
ON_BATTERY = Gauge(
    "ups_on_battery",
    "1 while the battery supplies the load, 0 while the grid does.",
    labels=LABELS,
    topic="on_battery",
    of="ups",
    title="Whether a UPS runs on its battery",
)
STATUS = Gauge(
    "ups_status",
    "1 for each flag of ups.status: OL (on line), OB (on battery), LB (battery low), RB (replace battery), CHRG, "
    "DISCHRG, BYPASS, OVER, …",
    labels=(*LABELS, "status"),
)
INFO = Info("ups_info", "Maker and model of the UPS.", (*LABELS, "manufacturer", "model"))

HEALTH = DeviceHealth("ups")

ALL = (
    POWER,
    INPUT_POWER,
    LOAD,
    CHARGE,
    RUNTIME,
    BATTERY_VOLTAGE,
    INPUT_VOLTAGE,
    OUTPUT_VOLTAGE,
    INPUT_FREQUENCY,
    TEMPERATURE,
    ON_BATTERY,
    STATUS,
    INFO,
    *HEALTH.metrics,
)

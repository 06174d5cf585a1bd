"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit

SENSOR = ("chip", "sensor")
BATTERY = ("battery",)

POWER = Gauge(
    "hwmon_power_watts",
    "Power at the sensor. Sensors overlap: a board's input feeds its rails, so do not add them up.",
    Unit.WATTS,
    SENSOR,
    topic="sensor_power",
    of="board",
    title="Power at a sensor",
)
ENERGY = Counter(
    "hwmon_energy_joules_total",
    "Energy at the sensor, as the chip counts it; like the power not to be added up.",
    Unit.JOULES,
    SENSOR,
    topic="sensor_energy",
    of="board",
    title="Energy at a sensor",
)
VOLTAGE = Gauge(
    "hwmon_voltage_volts",
    "Voltage at the sensor, as the driver reports it: some boards need a factor that only libsensors knows.",
    Unit.VOLTS,
    SENSOR,
    topic="voltage",
    of="board",
    title="Voltage at a sensor",
)
CURRENT = Gauge(
    "hwmon_current_amperes",
    "Current at the sensor.",
    Unit.AMPERES,
    SENSOR,
    topic="current",
    of="board",
    title="Current at a sensor",
)
DISCHARGE_POWER = Gauge(
    "hwmon_battery_discharge_power_watts",
    "Power that the battery supplies.",
    Unit.WATTS,
    BATTERY,
    topic="discharge_power",
    of="battery",
    title="Power from a battery",
)
CHARGE_POWER = Gauge(
    "hwmon_battery_charge_power_watts",
    "Power that the battery is charged with.",
    Unit.WATTS,
    BATTERY,
    topic="charge_power",
    of="battery",
    title="Power into a battery",
)
CHARGE = Gauge(
    "hwmon_battery_charge_ratio",
    "Charge of the battery, 0 to 1.",
    Unit.RATIO,
    BATTERY,
    topic="charge",
    of="battery",
    title="Charge of a battery",
)
CHARGER_ONLINE = Gauge(
    "hwmon_charger_online",
    "1 while the charger supplies power, 0 while it is unplugged.",
    labels=("charger",),
    topic="online",
    of="charger",
    title="Whether a charger supplies power",
)

ALL = (POWER, ENERGY, VOLTAGE, CURRENT, DISCHARGE_POWER, CHARGE_POWER, CHARGE, CHARGER_ONLINE)

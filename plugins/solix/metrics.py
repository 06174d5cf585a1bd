"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

LABELS = ("device", "model", "name")


def _watts(name: str, help: str, *labels: str, topic: str, of: str, title: str) -> Gauge:
    declared = (f"solix_{name}_power_watts", help, Unit.WATTS, (*LABELS, *labels))
    return Gauge(*declared, topic=topic, of=of, title=title)


def _joules_total(name: str, help: str, *, topic: str, of: str, title: str) -> Counter:
    declared = (f"solix_{name}_energy_joules_total", help, Unit.JOULES, LABELS)
    return Counter(*declared, topic=topic, of=of, title=title)


def _ratio(name: str, help: str, *labels: str, topic: str, of: str, title: str) -> Gauge:
    declared = (f"solix_{name}_ratio", help, Unit.RATIO, (*LABELS, *labels))
    return Gauge(*declared, topic=topic, of=of, title=title)


CHARGE = _ratio("battery_charge", "State of charge, 0 to 1.", topic="charge", of="battery", title="Battery charge")
PACK_CHARGE = _ratio(
    "battery_pack_charge",
    "State of charge of one pack or sub-device.",
    "pack",
    topic="pack_charge",
    of="battery",
    title="Charge of a battery pack",
)
HEALTH = _ratio(
    "battery_health",
    "Remaining capacity of the battery, as a ratio of its capacity when new.",
    topic="health",
    of="battery",
    title="Battery health",
)
CAPACITY = Gauge(
    "solix_battery_capacity_joules",
    "Energy content of the fully charged battery.",
    Unit.JOULES,
    LABELS,
    topic="capacity",
    of="battery",
    title="Battery capacity",
)
STORED = Gauge(
    "solix_battery_energy_joules",
    "Energy stored in the battery.",
    Unit.JOULES,
    LABELS,
    topic="stored_energy",
    of="battery",
    title="Energy in the battery",
)
CHARGE_POWER = _watts(
    "battery_charge", "Power into the battery.", topic="charge_power", of="battery", title="Battery charging power"
)
DISCHARGE_POWER = _watts(
    "battery_discharge",
    "Power out of the battery.",
    topic="discharge_power",
    of="battery",
    title="Battery discharging power",
)
DISCHARGING = Gauge(
    "solix_battery_discharging",
    "1 while the battery supplies more power than it takes.",
    labels=LABELS,
    of="battery",
    title="Battery discharging",
)
LOW = Gauge(
    "solix_battery_low",
    "1 while the battery discharges and is low: below low_charge_ratio, until it is above high_charge_ratio.",
    labels=LABELS,
    topic="low_charge",
    of="battery",
    title="Battery low",
)
REMAINING = Gauge(
    "solix_battery_remaining_time_seconds",
    "Time until the battery is empty or full, as estimated by the device.",
    Unit.SECONDS,
    LABELS,
    topic="remaining_time",
    of="battery",
    title="Remaining time of the battery",
)

INPUT = _watts(
    "input", "Total power into the device.", topic="input_power", of="battery", title="Power into a power station"
)
OUTPUT = _watts(
    "output", "Total power out of the device.", topic="output_power", of="battery", title="Power out of a power station"
)
AC_INPUT = _watts(
    "ac_input",
    "Power in through the AC inlet; part of the input.",
    topic="ac_input_power",
    of="battery",
    title="AC power into a power station",
)
AC_OUTPUT = _watts(
    "ac_output",
    "Power out through AC outlets; part of the output.",
    topic="ac_output_power",
    of="battery",
    title="AC power out of a power station",
)
DC_INPUT = _watts(
    "dc_input",
    "Power in through DC inlets, solar panels included; part of the input.",
    topic="dc_input_power",
    of="battery",
    title="DC power into a power station",
)
DC_OUTPUT = _watts(
    "dc_output",
    "Power out through DC ports; part of the output.",
    topic="dc_output_power",
    of="battery",
    title="DC power out of a power station",
)
PORT = _watts(
    "port_output",
    "Power out through one port; part of the output.",
    "port",
    topic="port_power",
    of="battery",
    title="Power out of a port",
)
SOLAR = _watts(
    "solar", "Power of all solar panels connected to the device.", topic="power", of="solar", title="Solar power"
)
SOLAR_CHANNEL = _watts(
    "solar_channel",
    "Power of one solar input; part of the solar power.",
    "channel",
    topic="channel_power",
    of="solar",
    title="Power of a solar input",
)
GRID_IMPORT = _watts(
    "grid_import", "Power from the grid.", topic="import_power", of="grid", title="Power from the grid"
)
GRID_EXPORT = _watts(
    "grid_export", "Power into the grid.", topic="export_power", of="grid", title="Power into the grid"
)
GRID_CONNECTED = Gauge(
    "solix_grid_connected",
    "1 while the grid is available, 0 during an outage.",
    labels=LABELS,
    topic="availability",
    of="grid",
    title="Grid",
)
HOME_LOAD = _watts("home_load", "Power used by the home.", topic="power", of="home", title="Power used by the home")
TO_HOME = _watts(
    "to_home",
    "Power from the device to the home; part of the home load.",
    topic="home_power",
    of="battery",
    title="Power from the battery to the home",
)
PLUG = _watts("plug", "Power through a smart plug.", topic="power", of="plug", title="Power through a smart plug")
PLUG_VOLTAGE = Gauge(
    "solix_plug_voltage_volts",
    "Voltage at a smart plug.",
    Unit.VOLTS,
    LABELS,
    topic="voltage",
    of="plug",
    title="Voltage at a smart plug",
)
PLUG_CURRENT = Gauge(
    "solix_plug_current_amperes",
    "Current through a smart plug.",
    Unit.AMPERES,
    LABELS,
    topic="current",
    of="plug",
    title="Current through a smart plug",
)
TEMPERATURE = Gauge(
    "solix_temperature_celsius",
    "Temperature of the device.",
    Unit.CELSIUS,
    LABELS,
    topic="temperature",
    of="battery",
    title="Temperature of a power station",
)

PACK_TEMPERATURE = Gauge(
    "solix_battery_pack_temperature_celsius",
    "Temperature of one pack or sub-device.",
    Unit.CELSIUS,
    (*LABELS, "pack"),
    topic="pack_temperature",
    of="battery",
    title="Temperature of a battery pack",
)
EV_POWER = _watts("ev_charger", "Power into a vehicle.", topic="power", of="ev_charger", title="Power into a vehicle")

SOLAR_ENERGY = _joules_total(
    "solar", "Solar energy, as counted by the device.", topic="energy", of="solar", title="Solar energy"
)
CHARGED_ENERGY = _joules_total(
    "battery_charge",
    "Energy into the battery, as counted by the device.",
    topic="charge_energy",
    of="battery",
    title="Energy into the battery",
)
DISCHARGED_ENERGY = _joules_total(
    "battery_discharge",
    "Energy out of the battery, as counted by the device.",
    topic="discharge_energy",
    of="battery",
    title="Energy out of the battery",
)
OUTPUT_ENERGY = _joules_total(
    "output",
    "Energy out of the device, as counted by the device.",
    topic="output_energy",
    of="battery",
    title="Energy out of a power station",
)
IMPORT_ENERGY = _joules_total(
    "grid_import",
    "Energy from the grid, as counted by the meter.",
    topic="import_energy",
    of="grid",
    title="Energy from the grid",
)
EXPORT_ENERGY = _joules_total(
    "grid_export",
    "Energy into the grid, as counted by the meter.",
    topic="export_energy",
    of="grid",
    title="Energy into the grid",
)
PLUG_ENERGY = _joules_total(
    "plug",
    "Energy through a smart plug, as counted by the plug.",
    topic="energy",
    of="plug",
    title="Energy through a smart plug",
)
EV_ENERGY = _joules_total(
    "ev_charger",
    "Energy into vehicles, as counted by the charger.",
    topic="energy",
    of="ev_charger",
    title="Energy into vehicles",
)
ENERGY_TODAY = Gauge(
    "solix_energy_today_joules",
    "Energy since midnight by `flow`, as counted by the cloud.",
    Unit.JOULES,
    (*LABELS, "flow"),
    topic="energy_today",
    of="site",
    title="Energy since midnight",
)

SITE_SOLAR = _watts(
    "site_solar", "Solar power of all devices of a site.", topic="solar_power", of="site", title="Solar power of a site"
)
SITE_OUTPUT = _watts(
    "site_output",
    "Power out of all solarbanks of a site.",
    topic="output_power",
    of="site",
    title="Power out of all solarbanks of a site",
)
SITE_CHARGE_POWER = _watts(
    "site_battery_charge",
    "Power into all batteries of a site.",
    topic="charge_power",
    of="site",
    title="Power into all batteries of a site",
)
SITE_DISCHARGE_POWER = _watts(
    "site_battery_discharge",
    "Power out of all batteries of a site.",
    topic="discharge_power",
    of="site",
    title="Power out of all batteries of a site",
)
SITE_CHARGE = _ratio(
    "site_battery_charge",
    "State of charge of all batteries of a site, 0 to 1.",
    topic="charge",
    of="site",
    title="Battery charge of a site",
)

AGE = Gauge(
    "solix_reading_age_seconds",
    "Age of the newest reading of a device by `source`: mqtt, rest. Keeps growing after stale values have disappeared.",
    Unit.SECONDS,
    (*LABELS, "source"),
    topic="reading_age",
    of="battery",
    title="Age of a power station's readings",
)
DEVICE_INFO = Info(
    "solix_device_info",
    "Class and firmware of a device.",
    (*LABELS, "type", "firmware"),
    of="battery",
    title="Power station",
)
CONNECTED = Gauge("solix_mqtt_connected", "1 while the MQTT session is connected.")
MESSAGES = Counter("solix_mqtt_messages_total", "MQTT messages that were decoded.")
RESTARTS = Counter("solix_mqtt_restarts_total", "MQTT sessions that were replaced by a new one.")
FAST = Gauge("solix_fast_polling", "1 while a battery is low and discharging, so that everything is polled more often.")
REQUESTS = Counter(
    "solix_requests_total",
    "Requests to the cloud by `result`: ok, unauthorized, limited, refused, server_error, http_error, bad_data, "
    "timeout, unreachable.",
    labels=("endpoint", "result"),
)

OF_A_DEVICE = (
    CHARGE,
    PACK_CHARGE,
    HEALTH,
    CAPACITY,
    STORED,
    CHARGE_POWER,
    DISCHARGE_POWER,
    REMAINING,
    INPUT,
    OUTPUT,
    AC_INPUT,
    AC_OUTPUT,
    DC_INPUT,
    DC_OUTPUT,
    PORT,
    SOLAR,
    SOLAR_CHANNEL,
    GRID_IMPORT,
    GRID_EXPORT,
    GRID_CONNECTED,
    HOME_LOAD,
    TO_HOME,
    PLUG,
    PLUG_VOLTAGE,
    PLUG_CURRENT,
    TEMPERATURE,
    PACK_TEMPERATURE,
    EV_POWER,
    SOLAR_ENERGY,
    CHARGED_ENERGY,
    DISCHARGED_ENERGY,
    OUTPUT_ENERGY,
    IMPORT_ENERGY,
    EXPORT_ENERGY,
    PLUG_ENERGY,
    EV_ENERGY,
    ENERGY_TODAY,
    SITE_SOLAR,
    SITE_OUTPUT,
    SITE_CHARGE_POWER,
    SITE_DISCHARGE_POWER,
    SITE_CHARGE,
)
ALL = (*OF_A_DEVICE, DISCHARGING, LOW, AGE, DEVICE_INFO, CONNECTED, MESSAGES, RESTARTS, FAST, REQUESTS)

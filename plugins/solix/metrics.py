"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

LABELS = ("device", "model", "name")


def _watts(name: str, help: str, *labels: str) -> Gauge:
    return Gauge(f"solix_{name}_power_watts", help, Unit.WATTS, (*LABELS, *labels))


def _joules_total(name: str, help: str) -> Counter:
    return Counter(f"solix_{name}_energy_joules_total", help, Unit.JOULES, LABELS)


def _ratio(name: str, help: str, *labels: str) -> Gauge:
    return Gauge(f"solix_{name}_ratio", help, Unit.RATIO, (*LABELS, *labels))


CHARGE = _ratio("battery_charge", "State of charge, 0 to 1.")
PACK_CHARGE = _ratio("battery_pack_charge", "State of charge of one pack or sub-device.", "pack")
HEALTH = _ratio("battery_health", "What is left of the battery's capacity when it was new.")
CAPACITY = Gauge("solix_battery_capacity_joules", "Energy that the full battery holds.", Unit.JOULES, LABELS)
STORED = Gauge("solix_battery_energy_joules", "Energy in the battery now.", Unit.JOULES, LABELS)
CHARGE_POWER = _watts("battery_charge", "Power into the battery.")
DISCHARGE_POWER = _watts("battery_discharge", "Power out of the battery.")
DISCHARGING = Gauge("solix_battery_discharging", "1 while the battery gives more than it takes.", labels=LABELS)
LOW = Gauge(
    "solix_battery_low",
    "1 while the battery discharges and is low: below low_charge_ratio, until it is above high_charge_ratio.",
    labels=LABELS,
)
REMAINING = Gauge(
    "solix_battery_remaining_time_seconds", "Time until empty or full, as the device reckons.", Unit.SECONDS, LABELS
)

INPUT = _watts("input", "All power into the device.")
OUTPUT = _watts("output", "All power out of the device.")
AC_INPUT = _watts("ac_input", "Power in through the AC inlet; part of the input.")
AC_OUTPUT = _watts("ac_output", "Power out through AC outlets; part of the output.")
PORT = _watts("port_output", "Power out through one port; part of the output.", "port")
SOLAR = _watts("solar", "Power of all solar panels at the device.")
SOLAR_CHANNEL = _watts("solar_channel", "Power of one solar input; part of the solar power.", "channel")
GRID_IMPORT = _watts("grid_import", "Power from the grid.")
GRID_EXPORT = _watts("grid_export", "Power into the grid.")
GRID_CONNECTED = Gauge("solix_grid_connected", "1 while the grid is there, 0 in an outage.", labels=LABELS)
HOME_LOAD = _watts("home_load", "What the home uses.")
TO_HOME = _watts("to_home", "What the device gives to the home; part of the home load.")
PLUG = _watts("plug", "Power through a smart plug.")
PLUG_VOLTAGE = Gauge("solix_plug_voltage_volts", "Voltage at a smart plug.", Unit.VOLTS, LABELS)
PLUG_CURRENT = Gauge("solix_plug_current_amperes", "Current through a smart plug.", Unit.AMPERES, LABELS)
TEMPERATURE = Gauge("solix_temperature_celsius", "Temperature of the device.", Unit.CELSIUS, LABELS)

SOLAR_ENERGY = _joules_total("solar", "Solar energy, as the device counts it.")
CHARGED_ENERGY = _joules_total("battery_charge", "Energy into the battery, as the device counts it.")
DISCHARGED_ENERGY = _joules_total("battery_discharge", "Energy out of the battery, as the device counts it.")
OUTPUT_ENERGY = _joules_total("output", "Energy out of the device, as the device counts it.")
IMPORT_ENERGY = _joules_total("grid_import", "Energy from the grid, as the meter counts it.")
EXPORT_ENERGY = _joules_total("grid_export", "Energy into the grid, as the meter counts it.")
PLUG_ENERGY = _joules_total("plug", "Energy through a smart plug, as the plug counts it.")
ENERGY_TODAY = Gauge(
    "solix_energy_today_joules",
    "Energy since midnight, by `flow`, as the cloud counts it.",
    Unit.JOULES,
    (*LABELS, "flow"),
)

SITE_SOLAR = _watts("site_solar", "Solar power of all devices of a site.")
SITE_OUTPUT = _watts("site_output", "Power out of all solarbanks of a site.")
SITE_CHARGE_POWER = _watts("site_battery_charge", "Power into all batteries of a site.")
SITE_DISCHARGE_POWER = _watts("site_battery_discharge", "Power out of all batteries of a site.")
SITE_CHARGE = _ratio("site_battery_charge", "State of charge of all batteries of a site, 0 to 1.")

AGE = Gauge(
    "solix_reading_age_seconds",
    "Age of the newest reading of a device by `source`: mqtt, rest. Goes on growing when the values have gone.",
    Unit.SECONDS,
    (*LABELS, "source"),
)
DEVICE_INFO = Info("solix_device_info", "What a device is: its class and firmware.", (*LABELS, "type", "firmware"))
CONNECTED = Gauge("solix_mqtt_connected", "1 while the MQTT session is connected.")
MESSAGES = Counter("solix_mqtt_messages_total", "MQTT messages that were understood.")
RESTARTS = Counter("solix_mqtt_restarts_total", "MQTT sessions that were given up and started anew.")
FAST = Gauge("solix_fast_polling", "1 while a battery is low and discharging, so that all is polled more often.")
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
    SOLAR_ENERGY,
    CHARGED_ENERGY,
    DISCHARGED_ENERGY,
    OUTPUT_ENERGY,
    IMPORT_ENERGY,
    EXPORT_ENERGY,
    PLUG_ENERGY,
    ENERGY_TODAY,
    SITE_SOLAR,
    SITE_OUTPUT,
    SITE_CHARGE_POWER,
    SITE_DISCHARGE_POWER,
    SITE_CHARGE,
)
ALL = (*OF_A_DEVICE, DISCHARGING, LOW, AGE, DEVICE_INFO, CONNECTED, MESSAGES, RESTARTS, FAST, REQUESTS)

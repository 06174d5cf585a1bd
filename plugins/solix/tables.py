"""Which field of the library is which metric: one table per class of device; the library's names, signs and units.

The names were read from anker-solix-api 3.8.0 (`apitypes.py`, `mqttmap.py`). Where a table has several fields for one
metric the first that has a value counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector_plugins.solix import metrics
from collector_plugins.solix.fields import Field, Part, Table, each, signed
from collector_plugins.solix.totals import USB

PERCENT = 0.01
WATT_HOUR = 3600.0
KILO = 1000.0
KWH = KILO * WATT_HOUR
HOUR = 3600.0

CHANNELS = ("1", "2", "3", "4", "5", "6", "7", "8")
PORTS = ("usbc_1", "usbc_2", "usbc_3", "usbc_4", "usba_1", "usba_2", "usba_3", "usba_4", "dc_12v_1", "dc_12v_2", USB)
MOST_PACKS = 16  # more than any model takes
EXPANSIONS = tuple(f"exp_{number}" for number in range(1, MOST_PACKS + 1))
PACKS = ("main_battery", *EXPANSIONS, *(f"device_{number}" for number in range(1, MOST_PACKS + 1)))

BATTERY = (
    Field("battery_capacity", metrics.CAPACITY, WATT_HOUR),  # Wh, not a charge
    Field("battery_energy", metrics.STORED, WATT_HOUR),
)
BATTERY_MQTT = (
    Field("battery_soc", metrics.CHARGE, PERCENT),
    Field("battery_soh", metrics.HEALTH, PERCENT),
    *each("{}_soc", metrics.PACK_CHARGE, PACKS, PERCENT),
    *each("{}_temperature", metrics.PACK_TEMPERATURE, PACKS),
    Field("temperature", metrics.TEMPERATURE),
)
BATTERY_POWER = (
    *signed("battery_power_signed", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
    Field("bat_charge_power", metrics.CHARGE_POWER, part=Part.POSITIVE),
    Field("bat_discharge_power", metrics.DISCHARGE_POWER, part=Part.POSITIVE),
)

SOLARBANK = Table(
    rest=(
        *BATTERY,
        Field("battery_soc", metrics.CHARGE, PERCENT),
        Field("input_power", metrics.SOLAR),
        Field("input_power", metrics.INPUT),
        Field("output_power", metrics.OUTPUT),
        *signed("charging_power", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
        *each("solar_power_{}", metrics.SOLAR_CHANNEL, CHANNELS),
        Field("to_home_load", metrics.TO_HOME),
    ),
    mqtt=(
        *BATTERY_MQTT,
        Field("photovoltaic_power", metrics.SOLAR),
        Field("photovoltaic_power", metrics.INPUT),
        Field("output_power", metrics.OUTPUT),
        Field("ac_output_power", metrics.AC_OUTPUT),
        *signed("ac_output_power_signed", metrics.AC_OUTPUT, metrics.AC_INPUT),  # models that charge from the grid
        *BATTERY_POWER,
        *each("pv_{}_power", metrics.SOLAR_CHANNEL, CHANNELS),
        Field("pv_yield", metrics.SOLAR_ENERGY, KWH),
        Field("charged_energy", metrics.CHARGED_ENERGY, KWH),
        Field("discharged_energy", metrics.DISCHARGED_ENERGY, KWH),
        Field("output_energy", metrics.OUTPUT_ENERGY, KWH),
    ),
)

POWER_STATION = Table(
    rest=BATTERY[:1],  # no charge and no power; battery_energy follows from the charge that came over MQTT
    mqtt=(
        *BATTERY_MQTT,
        *signed("battery_power_signed", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
        Field("input_power_total", metrics.INPUT),
        Field("bat_charge_power", metrics.INPUT),  # AC and solar together, whatever the name says
        Field("output_power_total", metrics.OUTPUT),
        Field("ac_input_power_total", metrics.AC_INPUT),
        Field("ac_input_power", metrics.AC_INPUT),
        Field("ac_output_power_total", metrics.AC_OUTPUT),
        Field("ac_output_power", metrics.AC_OUTPUT),
        Field("dc_input_power_total", metrics.DC_INPUT),
        Field("dc_input_power", metrics.DC_INPUT),
        Field("dc_output_power_total", metrics.DC_OUTPUT),
        Field("dc_output_power", metrics.PORT, label="dc"),  # of the 12 V socket alone
        Field("photovoltaic_power", metrics.SOLAR),
        *each("pv_{}_power", metrics.SOLAR_CHANNEL, CHANNELS),
        *each("{}_power", metrics.PORT, PORTS),
        Field("remaining_time_hours", metrics.REMAINING, HOUR),
    ),
)

CHARGER = Table(
    mqtt=(
        *BATTERY_MQTT,
        Field("output_power", metrics.OUTPUT),
        *each("{}_power", metrics.PORT, PORTS),
    )
)

EV_CHARGER = Table(
    mqtt=(
        Field("bat_charge_power", metrics.EV_POWER),  # into the vehicle's battery
        Field("charging_energy", metrics.EV_ENERGY, KWH),
    )
)

POWER_DOCK = Table(  # what it reports is that of the whole home
    mqtt=(
        Field("battery_soc_total", metrics.CHARGE, PERCENT),
        *each("{}_soc", metrics.PACK_CHARGE, PACKS, PERCENT),
        *each("{}_temperature", metrics.PACK_TEMPERATURE, PACKS),
        *signed("battery_power_signed_total", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
        Field("pv_power_total", metrics.SOLAR),
        *signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # + is import
        Field("home_demand_total", metrics.HOME_LOAD),
        Field("home_demand_circuit_total", metrics.HOME_LOAD),
    )
)

HOME_MQTT = (
    *BATTERY_MQTT,
    *BATTERY_POWER,
    Field("photovoltaic_power", metrics.SOLAR),
    *signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # + is import
    Field("grid_to_home_power", metrics.GRID_IMPORT),
    Field("ac_output_power", metrics.HOME_LOAD),
    Field("pv_yield", metrics.SOLAR_ENERGY, KWH),
    Field("charged_energy", metrics.CHARGED_ENERGY, KWH),
    Field("discharged_energy", metrics.DISCHARGED_ENERGY, KWH),
    Field("pv_yield_today", metrics.ENERGY_TODAY, KWH, label="solar"),
    Field("grid_import_today", metrics.ENERGY_TODAY, KWH, label="grid_import"),
    Field("grid_export_today", metrics.ENERGY_TODAY, KWH, label="grid_export"),
)
AVERAGES = (  # of five minutes; kW
    Field("average_power.state_of_charge", metrics.CHARGE, PERCENT),
    Field("average_power.charge_power_avg", metrics.CHARGE_POWER, KILO),
    Field("average_power.discharge_power_avg", metrics.DISCHARGE_POWER, KILO),
    Field("average_power.solar_power_avg", metrics.SOLAR, KILO),
    Field("average_power.home_usage_avg", metrics.HOME_LOAD, KILO),
    Field("average_power.grid_import_avg", metrics.GRID_IMPORT, KILO),
    Field("average_power.grid_export_avg", metrics.GRID_EXPORT, KILO),
)
POWER_PANEL = Table(rest=(*BATTERY, *AVERAGES), mqtt=HOME_MQTT)
HOME_ENERGY_SYSTEM = Table(rest=(*BATTERY, *AVERAGES), mqtt=HOME_MQTT)

SMART_METER = Table(
    rest=(
        Field("grid_to_home_power", metrics.GRID_IMPORT),
        Field("photovoltaic_to_grid_power", metrics.GRID_EXPORT),
    ),
    mqtt=(
        *signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # A17X7US; + is import
        Field("grid_to_home_power", metrics.GRID_IMPORT),
        Field("pv_to_grid_power", metrics.GRID_EXPORT),
        Field("grid_import_energy", metrics.IMPORT_ENERGY, KWH),
        Field("grid_export_energy", metrics.EXPORT_ENERGY, KWH),
    ),
)

SMART_PLUG = Table(
    rest=(
        Field("current_power", metrics.PLUG),  # W, not a current
        Field("energy_today", metrics.ENERGY_TODAY, KWH, label="plug"),
    ),
    mqtt=(
        Field("power", metrics.PLUG),
        Field("voltage", metrics.PLUG_VOLTAGE),
        Field("current", metrics.PLUG_CURRENT),
        Field("output_energy", metrics.PLUG_ENERGY, KWH),
    ),
)

INVERTER = Table(rest=(Field("generate_power", metrics.SOLAR),))

TABLES: Mapping[str, Table] = {
    "solarbank": SOLARBANK,
    "pps": POWER_STATION,
    "solarbank_pps": POWER_STATION,
    "powerpanel": POWER_PANEL,
    "hes": HOME_ENERGY_SYSTEM,
    "home_backup": HOME_ENERGY_SYSTEM,
    "smartmeter": SMART_METER,
    "smartplug": SMART_PLUG,
    "inverter": INVERTER,
    "combiner_box": POWER_DOCK,
    "charger": CHARGER,
    "ev_charger": EV_CHARGER,
}

SITE = (
    Field("home_load_power", metrics.HOME_LOAD),
    Field("solarbank_info.total_photovoltaic_power", metrics.SITE_SOLAR),
    Field("solarbank_info.total_output_power", metrics.SITE_OUTPUT),
    *signed("solarbank_info.total_charging_power", metrics.SITE_CHARGE_POWER, metrics.SITE_DISCHARGE_POWER),
    Field("solarbank_info.total_battery_power", metrics.SITE_CHARGE),  # a charge of 0 to 1, whatever the name says
)
SITE_ENERGY = tuple(
    Field(f"energy_details.today.{name}", metrics.ENERGY_TODAY, KWH, label=label)
    for name, label in (
        ("solar_production", "solar"),
        ("battery_charge", "battery_charge"),
        ("battery_discharge", "battery_discharge"),
        ("home_usage", "home"),
        ("grid_import", "grid_import"),
        ("grid_to_home", "grid_to_home"),
        ("solar_to_grid", "grid_export"),
        ("smartplugs_total", "plugs"),
    )
)

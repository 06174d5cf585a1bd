"""Which field of the library is which metric: one table per class of device; the library's names, signs and units.

The names were read from anker-solix-api 3.8.0 (`apitypes.py`, `mqttmap.py`). Where a table has several fields for one
metric the first that has a value counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from collector_core import Metric, Unit
from collector_plugins.solix import metrics
from collector_plugins.solix.parsing import at, number
from collector_plugins.solix.series import Series
from collector_plugins.solix.totals import USB, with_totals

PERCENT = 0.01
WATT_HOUR = 3600.0
KILO = 1000.0
KWH = KILO * WATT_HOUR
HOUR = 3600.0

MOST_WATTS = 1e6  # no device of this maker comes near: beyond it a message was misread
LOWEST_CELSIUS = -60.0
HIGHEST_CELSIUS = 150.0
PORT_CHARGES = 2.0  # the status of a port that takes power instead of giving it


class Part(StrEnum):
    """What of a signed number counts."""

    ALL = "all"
    POSITIVE = "positive"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the library: number × `factor` is the metric in its base unit."""

    name: str
    metric: Metric
    factor: float = 1.0
    part: Part = Part.ALL
    label: str = ""

    def value(self, values: Mapping[str, object]) -> float | None:
        """The metric's value in its base unit; None where the field is missing, no number or impossible."""
        found = number(at(values, self.name))
        if found is None:
            return None
        found *= self.factor
        if self.part is not Part.ALL:
            found = max(0.0, found if self.part is Part.POSITIVE else -found)
        return found if _is_possible(self.metric, found) else None


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of one class of device, by source."""

    rest: Sequence[Field] = ()
    mqtt: Sequence[Field] = ()


def _signed(name: str, positive: Metric, negative: Metric, factor: float = 1.0) -> tuple[Field, Field]:
    return Field(name, positive, factor, Part.POSITIVE), Field(name, negative, factor, Part.NEGATIVE)


def _each(pattern: str, metric: Metric, labels: Sequence[str], factor: float = 1.0) -> tuple[Field, ...]:
    return tuple(Field(pattern.format(label), metric, factor, label=label) for label in labels)


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
    *_each("{}_soc", metrics.PACK_CHARGE, PACKS, PERCENT),
    *_each("{}_temperature", metrics.PACK_TEMPERATURE, PACKS),
    Field("temperature", metrics.TEMPERATURE),
)
BATTERY_POWER = (
    *_signed("battery_power_signed", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
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
        *_signed("charging_power", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
        *_each("solar_power_{}", metrics.SOLAR_CHANNEL, CHANNELS),
        Field("to_home_load", metrics.TO_HOME),
    ),
    mqtt=(
        *BATTERY_MQTT,
        Field("photovoltaic_power", metrics.SOLAR),
        Field("photovoltaic_power", metrics.INPUT),
        Field("output_power", metrics.OUTPUT),
        Field("ac_output_power", metrics.AC_OUTPUT),
        *_signed("ac_output_power_signed", metrics.AC_OUTPUT, metrics.AC_INPUT),  # models that charge from the grid
        *BATTERY_POWER,
        *_each("pv_{}_power", metrics.SOLAR_CHANNEL, CHANNELS),
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
        *_signed("battery_power_signed", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
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
        *_each("pv_{}_power", metrics.SOLAR_CHANNEL, CHANNELS),
        *_each("{}_power", metrics.PORT, PORTS),
        Field("remaining_time_hours", metrics.REMAINING, HOUR),
    ),
)

CHARGER = Table(
    mqtt=(
        *BATTERY_MQTT,
        Field("output_power", metrics.OUTPUT),
        *_each("{}_power", metrics.PORT, PORTS),
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
        *_each("{}_soc", metrics.PACK_CHARGE, PACKS, PERCENT),
        *_each("{}_temperature", metrics.PACK_TEMPERATURE, PACKS),
        *_signed("battery_power_signed_total", metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),  # + is charging
        Field("pv_power_total", metrics.SOLAR),
        *_signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # + is import
        Field("home_demand_total", metrics.HOME_LOAD),
        Field("home_demand_circuit_total", metrics.HOME_LOAD),
    )
)

HOME_MQTT = (
    *BATTERY_MQTT,
    *BATTERY_POWER,
    Field("photovoltaic_power", metrics.SOLAR),
    *_signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # + is import
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
        *_signed("grid_power_signed", metrics.GRID_IMPORT, metrics.GRID_EXPORT),  # A17X7US; + is import
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
    *_signed("solarbank_info.total_charging_power", metrics.SITE_CHARGE_POWER, metrics.SITE_DISCHARGE_POWER),
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


def read(fields: Sequence[Field], values: Mapping[str, object]) -> dict[Series, float]:
    """What the fields say, in base units."""
    found: dict[Series, float] = {}
    for field in fields:
        series = Series(field.metric, field.label)
        if series not in found and (value := field.value(values)) is not None:
            found[series] = value
    return found


def read_rest(kind: str, device: Mapping[str, object]) -> dict[Series, float]:
    """What the cloud says of a device of a class; averages are in the unit that stands beside them."""
    table = TABLES.get(kind, Table())
    found = read(table.rest, device)
    if str(at(device, "average_power.power_unit") or "kW").lower() == "w":
        for field in AVERAGES:
            if field.factor == KILO and Series(field.metric) in found:
                found[Series(field.metric)] /= KILO
    return found


def read_mqtt(kind: str, values: Mapping[str, object]) -> dict[Series, float]:
    """What one message says of a device of a class, with the totals that follow from it."""
    return with_totals(kind, read_message(kind, values))


def read_message(kind: str, values: Mapping[str, object]) -> dict[Series, float]:
    """What one message says of a device of a class; the parts of a total may be spread over several messages."""
    found = read(TABLES.get(kind, Table()).mqtt, values)
    for absent in _absent(values):
        found.pop(absent, None)
    found.update((series, value) for series, value in _derived(kind, values) if series not in found)
    for port in _charging_ports(values):
        if (series := Series(metrics.PORT, port)) in found:
            found[series] = 0.0
    return {} if is_asleep(found) else found


def is_asleep(found: Mapping[Series, float]) -> bool:
    """Whether a battery shows only zeros, charge included: so does a device that sleeps, and it knows none of them."""
    telling = [value for (metric, _), value in found.items() if metric.unit in {Unit.WATTS, Unit.RATIO, Unit.CELSIUS}]
    return Series(metrics.CHARGE) in found and not any(telling)


def _absent(values: Mapping[str, object]) -> Iterator[Series]:
    """The series of expansion batteries that are not plugged in, where their number is reported."""
    told = number(values.get("expansion_packs"))
    if told is not None and 0 <= told <= len(EXPANSIONS):
        for pack in EXPANSIONS[int(told) :]:
            yield Series(metrics.PACK_CHARGE, pack)
            yield Series(metrics.PACK_TEMPERATURE, pack)


def _charging_ports(values: Mapping[str, object]) -> Iterator[str]:
    """The ports that take power now: what they report is no output."""
    return (port for port in PORTS if number(values.get(f"{port}_status")) == PORT_CHARGES)


def _derived(kind: str, values: Mapping[str, object]) -> Iterator[tuple[Series, float]]:
    if (charge := _charge_of_packs(values)) is not None:
        yield Series(metrics.CHARGE), charge
    if kind == "powerpanel" and (outage := number(values.get("grid_status"))) in {0.0, 1.0}:
        yield Series(metrics.GRID_CONNECTED), 1.0 - outage


def _charge_of_packs(values: Mapping[str, object]) -> float | None:
    """Mean of the main battery and its expansions, which are of one size, where no total is told."""
    main = number(values.get("main_battery_soc"))
    if main is None:
        return None
    told = number(values.get("expansion_packs"))
    packs = [number(values.get(f"{pack}_soc")) for pack in EXPANSIONS]
    there = packs[: int(told)] if told is not None and 0 <= told <= len(packs) else [pack for pack in packs if pack]
    charges = [main, *(pack for pack in there if pack is not None)]
    ratio = sum(charges) / len(charges) * PERCENT
    return ratio if _is_possible(metrics.CHARGE, ratio) else None


def _is_possible(metric: Metric, value: float) -> bool:
    if metric.kind == "counter" or metric.unit in {Unit.JOULES, Unit.SECONDS}:
        return value >= 0
    if metric.unit is Unit.RATIO:
        return 0 <= value <= 1
    if metric.unit is Unit.CELSIUS:
        return LOWEST_CELSIUS <= value <= HIGHEST_CELSIUS
    return abs(value) <= MOST_WATTS


def is_discharging(values: Mapping[Series, float]) -> bool | None:
    """Whether a battery gives more than it takes; None where nothing says so.

    Power stations tell no power of the battery itself: there, what goes out is compared with what comes in.
    """
    out, into = values.get(Series(metrics.DISCHARGE_POWER)), values.get(Series(metrics.CHARGE_POWER))
    if out is not None or (into or 0.0) > 0:
        return (out or 0.0) > (into or 0.0)
    out, into = values.get(Series(metrics.OUTPUT)), values.get(Series(metrics.INPUT))
    return None if out is None or into is None else out > into

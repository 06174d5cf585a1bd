"""What the cloud and the devices say, as series in base units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collector_core import Unit
from collector_plugins.solix import metrics
from collector_plugins.solix.fields import Table, is_possible, read
from collector_plugins.solix.parsing import at, number
from collector_plugins.solix.series import Series
from collector_plugins.solix.tables import AVERAGES, EXPANSIONS, KILO, PERCENT, PORTS, TABLES
from collector_plugins.solix.totals import with_totals

PORT_CHARGES = 2.0  # the status of a port that takes power instead of giving it


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
    _turn_charging_ports(found, values)
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


def _turn_charging_ports(found: dict[Series, float], values: Mapping[str, object]) -> None:
    """What ports report that take power now is no output, but an input, where no input by DC is told."""
    charging = [
        series
        for port in PORTS
        if (series := Series(metrics.PORT, port)) in found and number(values.get(f"{port}_status")) == PORT_CHARGES
    ]
    if charging:
        found.setdefault(Series(metrics.DC_INPUT), sum(found[series] for series in charging))
        found.update(dict.fromkeys(charging, 0.0))


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
    return ratio if is_possible(metrics.CHARGE, ratio) else None


def is_discharging(values: Mapping[Series, float]) -> bool | None:
    """Whether a battery gives more than it takes; None where nothing says so.

    Power stations tell no power of the battery itself: there, what goes out is compared with what comes in.
    """
    out, into = values.get(Series(metrics.DISCHARGE_POWER)), values.get(Series(metrics.CHARGE_POWER))
    if out is not None or (into or 0.0) > 0:
        return (out or 0.0) > (into or 0.0)
    out, into = values.get(Series(metrics.OUTPUT)), values.get(Series(metrics.INPUT))
    return None if out is None or into is None else out > into

"""What the variables of NUT mean. Names: https://networkupstools.org/docs/user-manual.chunked/apcs01.html"""

from __future__ import annotations

from collections.abc import Mapping

from collector_core import Gauge
from collector_core.devices import number
from collector_plugins.ups import metrics

PERCENT = 100.0
# Metric → variable, how many of its units are one base unit, and the most that can be true.
VARIABLES: Mapping[Gauge, tuple[str, float, float]] = {
    metrics.LOAD: ("ups.load", PERCENT, 10.0),
    metrics.CHARGE: ("battery.charge", PERCENT, 1.0),
    metrics.RUNTIME: ("battery.runtime", 1.0, 1e7),
    metrics.BATTERY_VOLTAGE: ("battery.voltage", 1.0, 1e4),
    metrics.INPUT_POWER: ("input.realpower", 1.0, 1e6),
    metrics.INPUT_VOLTAGE: ("input.voltage", 1.0, 1e5),
    metrics.OUTPUT_VOLTAGE: ("output.voltage", 1.0, 1e5),
    metrics.INPUT_FREQUENCY: ("input.frequency", 1.0, 1e3),
    metrics.TEMPERATURE: ("ups.temperature", 1.0, 150.0),
}
MOST_WATTS = 1e6


def readings(variables: Mapping[str, str]) -> dict[Gauge, float]:
    """Every quantity that a UPS tells; what is not a number, negative or impossible is absent."""
    found = {metric: _quantity(variables, *where) for metric, where in VARIABLES.items()}
    found[metrics.POWER] = power(variables)
    if variables.get("ups.status"):
        found[metrics.ON_BATTERY] = float("OB" in flags(variables))
    return {metric: value for metric, value in found.items() if value is not None}


def power(variables: Mapping[str, str]) -> float | None:
    """Watts: measured, else by the load; None where neither is known."""
    measured = _quantity(variables, "ups.realpower", 1.0, MOST_WATTS)
    if measured is not None:
        return measured
    load = _quantity(variables, *VARIABLES[metrics.LOAD])
    nominal = _quantity(variables, "ups.realpower.nominal", 1.0, MOST_WATTS)
    return load * nominal if load is not None and nominal else None


def flags(variables: Mapping[str, str]) -> list[str]:
    """The flags of `ups.status`, each once."""
    return list(dict.fromkeys(variables.get("ups.status", "").split()))


def _quantity(variables: Mapping[str, str], name: str, per_unit: float, most: float) -> float | None:
    """A variable in its base unit; None where it is missing, not a number, negative, or more than `most`."""
    value = number(variables.get(name))
    return value / per_unit if value is not None and 0 <= value / per_unit <= most else None

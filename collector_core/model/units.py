"""Units of metrics: base units, as Prometheus and UCUM name them."""

from __future__ import annotations

import re
from enum import StrEnum

from collector_core.model.words import is_snake_case


class Unit(StrEnum):
    """The usual base units; a metric's name ends with its unit. `NONE` is for plain numbers and composed units.

    Any other base unit is written as a word: `volt_amperes`, `lux`, `pascals`.
    """

    NONE = ""
    SECONDS = "seconds"
    JOULES = "joules"
    WATTS = "watts"
    BYTES = "bytes"
    RATIO = "ratio"
    CELSIUS = "celsius"
    GRAMS = "grams"
    HERTZ = "hertz"
    VOLTS = "volts"
    AMPERES = "amperes"


_INSTEAD_OF = {
    "ratio (0 to 1)": ("percent", "percentage", "pct", "%"),
    "seconds": ("second", "sec", "s", "ms", "us", "ns", "minute", "minutes", "hour", "hours", "day", "days"),
    "joules": ("joule", "j", "wh", "kwh", "mwh", "watthours", "watt_hours", "kilowatt_hours", "kilowatthours"),
    "watts": ("watt", "w", "mw", "kw"),
    "bytes": ("byte", "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "bit", "bits"),
    "celsius": ("c", "degc", "fahrenheit", "kelvin"),
    "grams": ("gram", "g", "kg", "mg", "tonnes"),
    "hertz": ("hz", "khz", "mhz", "ghz"),
    "volts": ("volt", "v", "mv", "kv"),
    "amperes": ("ampere", "a", "ma", "amps", "milliamps"),
    "volt_amperes": ("va", "kva", "volt_ampere", "voltamperes"),
    "volt_amperes_reactive": ("var", "vars", "kvar"),
    "ohms": ("ohm",),
    "pascals": ("pascal", "pa", "hpa", "kpa", "bar", "bars", "mbar", "psi"),
    "meters": ("meter", "m", "km", "mm", "cm"),
}
_INSTEAD = {word: base for base, words in _INSTEAD_OF.items() for word in words}
_PREFIXED = re.compile(
    "(?:^|.*_)(?:nano|micro|milli|centi|kilo|mega|giga|tera|peta|kibi|mebi|gibi|tebi)"
    "(seconds|joules|watts|bytes|bits|grams|hertz|volts|amperes|volt_amperes|volt_amperes_reactive|ohms|pascals|meters)"
)


def unit_problem(unit: object) -> str | None:
    """Why this cannot be the unit of a metric, with what to write instead; None for a base unit."""
    if not isinstance(unit, str):
        return f"the unit must be a Unit or a word such as 'volt_amperes', got {type(unit).__name__}"
    if base := _base_instead(unit.lower()):
        return f"{unit!r} is not a base unit: use {base}"
    if unit and not is_snake_case(unit):
        return f"the unit {unit!r} must be snake_case, e.g. volt_amperes"
    return None


def _base_instead(unit: str) -> str | None:
    """The base unit to use instead of a multiple, a symbol or a singular; what is per a unit is a unit of its own."""
    if "_per_" in unit:
        return None
    if prefixed := _PREFIXED.fullmatch(unit):
        return _INSTEAD.get(prefixed[1], prefixed[1])
    last = unit.rpartition("_")[2]
    return _INSTEAD.get(unit) or (_INSTEAD.get(last) if len(last) > 2 else None)  # decibels_a are no amperes

"""Understands what `powermetrics`, `ioreg` and `pmset` print."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError

MILLI = 1e3
MOST_WATTS = 1e4  # of a Mac
SIGNED_64 = 1 << 64

# Apple silicon tells milliwatts; Macs with Intel's processors watts of the package.
_PARTS: Mapping[str, tuple[str, float]] = {
    "combined_power": ("package", MILLI),
    "cpu_power": ("cpu", MILLI),
    "gpu_power": ("gpu", MILLI),
    "ane_power": ("ane", MILLI),
    "package_watts": ("package", 1.0),
}
_BATTERY_LINE = re.compile(r"^\s*-(?P<name>.+?)\s+\(id=-?\d+\)\s+(?P<percent>\d{1,3})%;", re.MULTILINE)


class Battery(NamedTuple):
    """Watts that the battery supplies and takes, and of the machine; None is what is not told."""

    discharge: float | None = None
    charge: float | None = None
    system: float | None = None


def parse_powermetrics(output: bytes) -> dict[str, float]:
    """Watts of each part, from `powermetrics -f plist`; raises `ValueError` for what is no property list."""
    processor = _plist(output).get("processor")
    told = processor if isinstance(processor, dict) else {}
    watts = {part: _watts(told.get(key), unit) for key, (part, unit) in _PARTS.items() if key in told}
    return {part: value for part, value in watts.items() if value is not None}


def parse_ioreg(output: bytes) -> Battery:
    """The battery's, from `ioreg -r -c AppleSmartBattery -a`; raises `ValueError` for what is no property list."""
    if not output.strip():
        return Battery()  # a Mac without a battery
    battery = _plist(output)
    telemetry = battery.get("PowerTelemetryData")
    system = _watts(telemetry.get("SystemLoad"), MILLI) if isinstance(telemetry, dict) else None
    volts, amperes = _number(battery.get("Voltage")), _number(_signed(battery.get("Amperage")))
    if volts is None or amperes is None:
        return Battery(system=system or None)
    watts = volts / MILLI * amperes / MILLI
    if abs(watts) > MOST_WATTS:
        return Battery(system=system or None)
    return Battery(max(0.0, -watts), max(0.0, watts), system or None)


def parse_pmset(output: str) -> Iterator[tuple[str, float]]:
    """The charge of each battery and UPS by its name, from `pmset -g batt`."""
    for line in _BATTERY_LINE.finditer(output):
        if (percent := int(line["percent"])) <= 100:
            yield line["name"], percent / 100


def _plist(output: bytes) -> dict[str, Any]:
    """The first property list of the output: `powermetrics` ends each with a NUL."""
    try:
        document = plistlib.loads(output.partition(b"\0")[0])
    except (ExpatError, plistlib.InvalidFileException, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError("is not a property list") from error
    if isinstance(document, list):
        document = document[0] if document else {}
    return document if isinstance(document, dict) else {}


def _signed(value: Any) -> Any:
    """The registry shows negative numbers as 64 bits without a sign, which no float holds exactly."""
    return value - SIGNED_64 if isinstance(value, int) and value >= SIGNED_64 // 2 else value


def _watts(value: Any, per_watt: float) -> float | None:
    number = _number(value)
    return number / per_watt if number is not None and 0 <= number / per_watt <= MOST_WATTS else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) else None

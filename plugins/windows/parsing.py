"""Understands what PowerShell prints of the Energy Meter Interface and of batteries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

MILLI = 1e3
JOULES_PER_PICOWATT_HOUR = 3600e-12
TOTAL = "_total"  # the sum of all meters, which overlap
MOST_WATTS = 1e5
MOST_JOULES = 1e15


class MeterReading(NamedTuple):
    """Watts and joules at a meter; None where they are not told."""

    watts: float | None = None
    joules: float | None = None


class Battery(NamedTuple):
    """Watts that the battery supplies and takes, and its charge, 0 to 1; None where they are not told."""

    discharge: float | None
    charge: float | None
    ratio: float | None


def parse_meters(output: bytes) -> dict[str, MeterReading]:
    """The meters by their names, from the samples of `Get-Counter`; raises `ValueError` for what is not JSON."""
    found: dict[str, MeterReading] = {}
    for sample in _rows(output):
        name, value = sample.get("InstanceName"), _number(sample.get("CookedValue"))
        counter = str(sample.get("Path", "")).rpartition("\\")[2].lower()
        if not isinstance(name, str) or not name or name.lower() == TOTAL or value is None or value < 0:
            continue
        meter = found.setdefault(name.lower(), MeterReading())
        if counter == "power" and value / MILLI <= MOST_WATTS:
            found[name.lower()] = meter._replace(watts=value / MILLI)
        elif counter == "energy" and value * JOULES_PER_PICOWATT_HOUR <= MOST_JOULES:
            found[name.lower()] = meter._replace(joules=value * JOULES_PER_PICOWATT_HOUR)
    return found


def parse_batteries(output: bytes) -> dict[str, Battery]:
    """The batteries, numbered, from BatteryStatus and BatteryFullChargedCapacity; raises `ValueError` as above."""
    rows: dict[str, dict[str, Any]] = {}
    for row in _rows(output):
        if isinstance(name := row.get("InstanceName"), str):
            rows.setdefault(name, {}).update({key: value for key, value in row.items() if value is not None})
    return {str(number): _battery(rows[name]) for number, name in enumerate(sorted(rows))}


def _battery(told: Mapping[str, Any]) -> Battery:
    left, full = _number(told.get("RemainingCapacity")), _number(told.get("FullChargedCapacity"))
    ratio = min(1.0, left / full) if left is not None and full is not None and left >= 0 and full > 0 else None
    return Battery(_watts(told.get("DischargeRate")), _watts(told.get("ChargeRate")), ratio)


def _rows(output: bytes) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, or the one that PowerShell writes without a list."""
    if not output.strip():
        return
    try:
        document = json.loads(output)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    for row in document if isinstance(document, list) else [document]:
        if isinstance(row, dict):
            yield row


def _watts(milliwatts: Any) -> float | None:
    number = _number(milliwatts)
    return number / MILLI if number is not None and 0 <= number / MILLI <= MOST_WATTS else None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None

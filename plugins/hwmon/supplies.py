"""Reads batteries and chargers (Documentation/ABI/testing/sysfs-class-power)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs import read_line

MICRO = 1e6
MOST_WATTS = 1e6
_STATES: Mapping[str, tuple[bool, bool]] = {  # supplies power, is charged
    "Discharging": (True, False),
    "Charging": (False, True),
    "Full": (False, False),
    "Not charging": (False, False),
}


class Battery(NamedTuple):
    """Watts that it supplies and takes, and its charge from 0 to 1; None where they are not known."""

    name: str
    discharge: float | None
    charge: float | None
    ratio: float | None


class Charger(NamedTuple):
    """A charger, or the socket of one."""

    name: str
    online: bool | None


@dataclass(frozen=True)
class SupplyReader:
    """Reads one folder of /sys/class/power_supply."""

    folder: Path

    def __call__(self) -> list[Battery | Charger]:
        """What it is; nothing where it is not there, or neither."""
        kind = self._text("type")
        if kind == "Battery" and self._text("present") != "0":
            return [self._battery()]
        if kind in ("Mains", "USB"):
            online = self._text("online")
            return [Charger(self.folder.name, {"0": False}.get(online, True) if online.isdecimal() else None)]
        return []

    def _battery(self) -> Battery:
        supplies, charges = _STATES.get(self._text("status"), (None, None))
        watts = self._watts() if self._text("scope") != "Device" else None  # a mouse's battery is no part of this
        discharge = None if supplies is None else watts if supplies else 0.0
        charge = None if charges is None else watts if charges else 0.0
        if watts is None:
            discharge = charge = None
        return Battery(self.folder.name, discharge, charge, self._ratio())

    def _watts(self) -> float | None:
        watts = self._micro("power_now")
        if watts is None:
            amperes, volts = self._micro("current_now"), self._volts()
            watts = None if amperes is None or volts is None else amperes * volts
        return abs(watts) if watts is not None and abs(watts) <= MOST_WATTS else None

    def _volts(self) -> float | None:
        names = ("voltage_now", "voltage_avg", "voltage_min_design")
        return next((volts for name in names if (volts := self._micro(name))), None)

    def _ratio(self) -> float | None:
        for quantity in ("energy", "charge"):
            now, full = self._micro(f"{quantity}_now"), self._micro(f"{quantity}_full")
            if now is not None and full and 0 <= now <= 2 * full:
                return min(1.0, now / full)
        percent = _number(self._text("capacity"))
        return percent / 100 if percent is not None and 0 <= percent <= 100 else None

    def _micro(self, name: str) -> float | None:
        value = _number(self._text(name))
        return value / MICRO if value is not None else None

    def _text(self, name: str) -> str:
        return read_line(self.folder / name)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None

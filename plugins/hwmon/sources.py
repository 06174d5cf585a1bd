"""Finds what there is to read: chips with sensors of power, batteries, chargers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from collector_core import Context
from collector_core.procfs import find_hwmon_chips
from collector_plugins.hwmon import iio, pmic
from collector_plugins.hwmon.chips import ChipReader, find_sensors
from collector_plugins.hwmon.rail import Rail
from collector_plugins.hwmon.supplies import Battery, Charger, SupplyReader

HWMON = "/sys/class/hwmon"
POWER_SUPPLY = "/sys/class/power_supply"
DEVICE_TREE = "/proc/device-tree"

Told: TypeAlias = "Rail | Battery | Charger"
Read: TypeAlias = Callable[[], Sequence[Told]]


def find_sources(ctx: Context, exclude: Iterable[str]) -> dict[str, Read]:
    """What can be read, by chip, battery or charger."""
    patterns = tuple(exclude)
    chips: Mapping[str, Read] = {**iio.find_monitors(ctx.path(iio.DEVICES)), **_chips(ctx.path(HWMON))}
    found: Mapping[str, Read] = {**chips, **_supplies(ctx.path(POWER_SUPPLY))}
    if pmic.has_pmic(ctx.path(DEVICE_TREE)):
        found = {**found, pmic.CHIP: pmic.read_pmic}
    return {name: read for name, read in found.items() if not any(fnmatchcase(name, each) for each in patterns)}


def _chips(folder: Path) -> dict[str, Read]:
    """Those of batteries are left out: power_supply says more of them."""
    found: dict[str, Read] = {}
    for chip in find_hwmon_chips(folder):
        sensors = find_sensors(chip)
        if sensors and not (folder / chip.folder / "device/capacity").exists():
            found[chip.label] = ChipReader(chip, sensors)
    return found


def _supplies(folder: Path) -> dict[str, Read]:
    return {path.name: SupplyReader(path) for path in _folders(folder)}


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []

"""Finds the temperature sensors below /sys: those of hwmon chips, and thermal zones that no chip stands for.

Documentation/hwmon/sysfs-interface.rst and Documentation/driver-api/thermal/sysfs-api.rst; files are in millidegrees.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs import HwmonChip, find_hwmon_chips, read_line, sensor_order
from collector_plugins.system.temperature_range import TemperatureRange, temperature_range

Key = tuple[str, str]

_INPUT = re.compile(r"(temp\d+)_input")
_LOWER = ("lcrit", "min")
_UPPER = ("emergency", "crit", "max")
_CRITICAL = "critical"

# Reports a constant 20 °C because the kernel wants a number (drivers/thermal/intel/int340x_thermal).
_WITHOUT_A_SENSOR = frozenset({"INT3400 Thermal"})
# The same register as that of the chip `coretemp`, which has it once for each package.
_PACKAGE_ZONE = "x86_pkg_temp"
_PACKAGE_CHIP = "coretemp"
_PACKAGE_LABELS = ("Package id ", "Physical id ")


class SensorFiles(NamedTuple):
    """The files of one sensor: its value, whether it is faulty, whether its device sleeps, and what it can read.

    Not every chip says that it is faulty, and not every device sleeps: there is no such file then.
    """

    value: Path
    fault: Path | None
    power: Path | None
    range: TemperatureRange


def find_sensors(hwmon: Path, thermal: Path) -> dict[Key, SensorFiles]:
    """Every sensor once, by chip and sensor as they are called in labels."""
    chips = find_hwmon_chips(hwmon)
    found: dict[Key, SensorFiles] = {}
    for chip in chips:
        for sensor, path in _inputs(chip).items():
            label = read_line(path.with_name(f"{sensor}_label")) or sensor
            names = (label, sensor, f"{label} {sensor}")
            chosen = next(each for each in names if (chip.label, each) not in found)
            found[chip.label, chosen] = _of_chip(chip, sensor, path)
    return found | _of_zones(thermal, [chip for chip in chips if _inputs(chip)], found)


def device_names(folder: Path) -> list[str]:
    """What a class of /sys holds, sorted by number: hwmon10 comes after hwmon2."""
    try:
        return sorted(os.listdir(folder), key=sensor_order)  # noqa: PTH208 - at every run
    except (FileNotFoundError, NotADirectoryError):
        return []


def _inputs(chip: HwmonChip) -> dict[str, Path]:
    return {match[1]: path for file, path in chip.files.items() if (match := _INPUT.fullmatch(file))}


def _of_chip(chip: HwmonChip, sensor: str, value: Path) -> SensorFiles:
    def limits(which: Iterable[str]) -> list[float]:
        return list(_degrees(value.with_name(f"{sensor}_{limit}") for limit in which))

    fault = _existing(value.with_name(f"{sensor}_fault"))
    return SensorFiles(value, fault, chip.power, temperature_range(limits(_LOWER), limits(_UPPER)))


def _of_zones(thermal: Path, chips: Sequence[HwmonChip], sensors: Iterable[Key]) -> dict[Key, SensorFiles]:
    """Zones that no chip stands for. The kernel gives a chip the type of its zones as name, with `_` for `-`."""
    zones_of_chips = Counter(chip.name.replace("-", "_") for chip in chips for _ in _inputs(chip))
    zones_of_chips[_PACKAGE_ZONE] += sum(map(_is_package, sensors))
    devices = {chip.device for chip in chips}
    found = {}
    for zone in device_names(thermal):
        kind = read_line(thermal / zone / "type") or zone
        if not zone.startswith("thermal_zone") or kind in _WITHOUT_A_SENSOR:
            continue
        zones_of_chips[kind.replace("-", "_")] -= 1
        if zones_of_chips[kind.replace("-", "_")] < 0 and zone not in devices:
            upper = _degrees(_critical_trips(thermal / zone))
            found[kind, zone] = SensorFiles(thermal / zone / "temp", None, None, temperature_range(upper_limits=upper))
    return found


def _is_package(sensor: Key) -> bool:
    chip, label = sensor
    return chip.startswith(_PACKAGE_CHIP) and label.startswith(_PACKAGE_LABELS)


def _critical_trips(zone: Path) -> Iterator[Path]:
    for kind in zone.glob("trip_point_*_type"):
        if read_line(kind) == _CRITICAL:
            yield kind.with_name(kind.name.removesuffix("_type") + "_temp")


def _degrees(files: Iterable[Path]) -> Iterator[float]:
    for file in files:
        try:
            yield float(read_line(file)) / 1000
        except ValueError:
            continue


def _existing(file: Path) -> Path | None:
    return file if file.exists() else None

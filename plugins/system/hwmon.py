"""Finds the temperature sensors below /sys: those of hwmon chips, and thermal zones that no chip stands for.

Documentation/hwmon/sysfs-interface.rst and Documentation/driver-api/thermal/sysfs-api.rst; files are in millidegrees.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_plugins.system.filters import text
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


class _Chip(NamedTuple):
    """`device` is what it belongs to, e.g. `nvme0`, and the same from boot to boot; `inputs` are by sensor: temp1.

    `power` says whether the device sleeps.
    """

    folder: str
    name: str
    device: str
    power: Path | None
    inputs: Mapping[str, Path]


def find_sensors(hwmon: Path, thermal: Path) -> dict[Key, SensorFiles]:
    """Every sensor once, by chip and sensor as they are called in labels."""
    chips = list(_chips(hwmon))
    found: dict[Key, SensorFiles] = {}
    for chip, name in zip(chips, _unique_names(chips), strict=True):
        for sensor, path in chip.inputs.items():
            label = _line(path.with_name(f"{sensor}_label")) or sensor
            names = (label, sensor, f"{label} {sensor}")
            found[name, next(each for each in names if (name, each) not in found)] = _of_chip(chip, sensor, path)
    return found | _of_zones(thermal, [chip for chip in chips if chip.inputs], found)


def device_names(folder: Path) -> list[str]:
    """What a class of /sys holds, sorted by number: hwmon10 comes after hwmon2."""
    try:
        return sorted(os.listdir(folder), key=_by_number)  # noqa: PTH208 - at every run
    except (FileNotFoundError, NotADirectoryError):
        return []


def _chips(hwmon: Path) -> Iterator[_Chip]:
    taken: set[str] = set()
    for folder in device_names(hwmon):
        device = hwmon / folder / "device"
        name = _line(hwmon / folder / "name") or _line(device / "name") or folder
        # Old drivers keep their files with the device; of two chips that share one, the first has them.
        inputs = _inputs(device) | _inputs(hwmon / folder)
        mine = {sensor: path for sensor, path in inputs.items() if os.path.realpath(path) not in taken}
        taken.update(map(os.path.realpath, mine.values()))
        address = text(os.fsencode(Path(os.path.realpath(device)).name)) if device.exists() else folder
        power = _existing(device / "power/runtime_status")
        yield _Chip(folder, name, address, power, dict(sorted(mine.items(), key=lambda item: _by_number(item[0]))))


def _inputs(folder: Path) -> dict[str, Path]:
    try:
        matches = [match for name in os.listdir(folder) if (match := _INPUT.fullmatch(name))]  # noqa: PTH208
    except OSError:
        return {}
    return {match[1]: folder / match[0] for match in matches}


def _unique_names(chips: Sequence[_Chip]) -> Iterator[str]:
    """The chip's name, with its device where several have the name, and its number where the device does not help."""
    how_many = Counter(chip.name for chip in chips)
    names = [chip.name if how_many[chip.name] == 1 else f"{chip.name}-{chip.device}" for chip in chips]
    how_many = Counter(names)
    for chip, name in zip(chips, names, strict=True):
        yield name if how_many[name] == 1 else f"{name}-{chip.folder}"


def _of_chip(chip: _Chip, sensor: str, value: Path) -> SensorFiles:
    def limits(which: Iterable[str]) -> list[float]:
        return list(_degrees(value.with_name(f"{sensor}_{limit}") for limit in which))

    fault = _existing(value.with_name(f"{sensor}_fault"))
    return SensorFiles(value, fault, chip.power, temperature_range(limits(_LOWER), limits(_UPPER)))


def _of_zones(thermal: Path, chips: Sequence[_Chip], sensors: Iterable[Key]) -> dict[Key, SensorFiles]:
    """Zones that no chip stands for. The kernel gives a chip the type of its zones as name, with `_` for `-`."""
    zones_of_chips = Counter(chip.name.replace("-", "_") for chip in chips for _ in chip.inputs)
    zones_of_chips[_PACKAGE_ZONE] += sum(map(_is_package, sensors))
    devices = {chip.device for chip in chips}
    found = {}
    for zone in device_names(thermal):
        kind = _line(thermal / zone / "type") or zone
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
        if _line(kind) == _CRITICAL:
            yield kind.with_name(kind.name.removesuffix("_type") + "_temp")


def _degrees(files: Iterable[Path]) -> Iterator[float]:
    for file in files:
        try:
            yield float(_line(file)) / 1000
        except ValueError:
            continue


def _existing(file: Path) -> Path | None:
    return file if file.exists() else None


def _line(path: Path) -> str:
    try:
        return text(path.read_bytes()).strip()
    except OSError:
        return ""


def _by_number(name: str) -> tuple[int, str]:
    return len(name), name

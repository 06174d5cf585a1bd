"""Reads the power, energy, volts and amperes of one chip (Documentation/hwmon/sysfs-interface.rst)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs import HwmonChip, KeptFile, read_line
from collector_plugins.hwmon.rail import Rail

# A current monitor of this family tells volts and amperes of each rail; only its newer ones multiply them.
RAIL_MONITORS = "ina"

_SENSOR = re.compile(r"(in|curr|power|energy)([0-9]+)_(input|average)")


class _Quantity(NamedTuple):
    """Where it goes in a `Rail`, how many of the file's units are one base unit, and what can be true."""

    field: str
    per_unit: float
    least: float
    most: float

    def parse(self, content: bytes) -> float | None:
        """None for what is not a number, or is impossible."""
        try:
            value = float(content) / self.per_unit
        except ValueError:
            return None
        return value if isfinite(value) and self.least <= value <= self.most else None


QUANTITIES: Mapping[str, _Quantity] = {
    "power": _Quantity("watts", 1e6, -1e6, 1e6),
    "energy": _Quantity("joules", 1e6, 0, 1e15),
    "in": _Quantity("volts", 1e3, -1e5, 1e5),
    "curr": _Quantity("amperes", 1e3, -1e5, 1e5),
}
Files = Mapping[str, Mapping[str, Path]]  # sensor as in labels → kind → file


@dataclass(frozen=True)
class ChipReader:
    """Reads a chip, and leaves it alone while its device sleeps."""

    chip: HwmonChip
    sensors: Files

    def __call__(self) -> list[Rail]:
        """Every sensor that says something; raises `OSError` where none may be read."""
        if self.chip.is_asleep:
            return []
        values, errors = self._read()
        if errors and not values:
            raise errors[0]
        multiplies = self.chip.name.startswith(RAIL_MONITORS)
        rails = [Rail(self.chip.label, sensor, **told) for sensor, told in values.items()]
        return [rail.with_watts() if multiplies else rail for rail in rails]

    def _read(self) -> tuple[dict[str, dict[str, float]], list[OSError]]:
        values: dict[str, dict[str, float]] = {}
        errors: list[OSError] = []
        files = ((sensor, *file) for sensor, kinds in self.sensors.items() for file in kinds.items())
        for sensor, kind, path in files:
            try:
                content = KeptFile(path, is_kernels=False, keep_open=False).read(64)
            except OSError as error:
                errors.append(error)
                continue
            quantity = QUANTITIES[kind]
            if (value := quantity.parse(content)) is not None:
                values.setdefault(sensor, {})[quantity.field] = value
        return values, errors


def find_sensors(chip: HwmonChip) -> Files:
    """The sensors of a chip by their labels; those of several kinds that share a label are one."""
    found: dict[str, dict[str, Path]] = {}
    labels: dict[tuple[str, str], str] = {}
    for kind, number, path in _inputs(chip.files):
        name = f"{kind}{number}"
        label = _label(chip, kind, number)
        candidates = (label, name, f"{label} {name}")
        labels[kind, number] = next(each for each in candidates if kind not in found.get(each, {}))
        found.setdefault(labels[kind, number], {})[kind] = path
    return found


def _inputs(files: Mapping[str, Path]) -> Iterator[tuple[str, str, Path]]:
    """Kind, number and file of each sensor; the mean only where there is no present value."""
    chosen: dict[tuple[str, str], Path] = {}
    for name, path in files.items():
        if (match := _SENSOR.fullmatch(name)) and (match[3] == "input" or f"{match[1]}{match[2]}_input" not in files):
            chosen[match[1], match[2]] = path
    yield from ((kind, number, path) for (kind, number), path in chosen.items())


def _label(chip: HwmonChip, kind: str, number: str) -> str:
    """What the chip calls a sensor; a rail monitor names the voltage only, and means the rail."""
    name = f"{kind}{number}"
    kinds = (kind, "in") if kind == "curr" and chip.name.startswith(RAIL_MONITORS) else (kind,)
    named = (read_line(chip.files[file]) for each in kinds if (file := f"{each}{number}_label") in chip.files)
    return next(filter(None, named), name)

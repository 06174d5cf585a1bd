"""The chips below /sys/class/hwmon and their files (Documentation/hwmon/sysfs-interface.rst)."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.kept_file import KeptFile

ASLEEP = frozenset({"suspended", "suspending"})  # Documentation/ABI/testing/sysfs-devices-power: runtime_status

_MOST_BYTES = 4096
_ATTRIBUTE = re.compile(r"[a-z]+[0-9]+_[a-z_]+")


class HwmonChip(NamedTuple):
    """`name` is what the chip is called, `label` is different for every chip, `folder` is its place: hwmon3.

    `device` is what it belongs to, e.g. `nvme0`, and the same from boot to boot; `files` are those of its sensors by
    name: temp1_input. `power` says whether the device sleeps: reading others wakes it then. There is no such file where
    the device never does.
    """

    folder: str
    name: str
    label: str
    device: str
    power: Path | None
    files: Mapping[str, Path]

    @property
    def is_asleep(self) -> bool:
        """Whether the device is suspended; looking at it does not wake it."""
        return self.power is not None and read_line(self.power) in ASLEEP


def find_hwmon_chips(hwmon: Path) -> list[HwmonChip]:
    """Every chip of a folder such as /sys/class/hwmon, in the order of their numbers."""
    chips = list(_chips(hwmon))
    labels = _unique_names(chips)
    return [chip._replace(label=label) for chip, label in zip(chips, labels, strict=True)]


def sensor_order(name: str) -> tuple[int, str]:
    """Sorts by number: hwmon10 comes after hwmon2."""
    return len(name), name


def read_line(path: Path) -> str:
    """What a file of the kernel's says; nothing where it cannot be read."""
    try:
        content = KeptFile(path, is_kernels=False, keep_open=False).read(_MOST_BYTES)
    except OSError:
        return ""
    return content.decode(errors="backslashreplace").strip()


def _chips(hwmon: Path) -> Iterator[HwmonChip]:
    taken: set[str] = set()
    for folder in sorted(_listed(hwmon), key=sensor_order):
        device = hwmon / folder / "device"
        name = read_line(hwmon / folder / "name") or read_line(device / "name") or folder
        # Old drivers keep their files with the device; of two chips that share one, the first has them.
        files = _files(device) | _files(hwmon / folder)
        mine = {file: path for file, path in files.items() if os.path.realpath(path) not in taken}
        taken.update(map(os.path.realpath, mine.values()))
        address = Path(os.path.realpath(device)).name if device.exists() else folder
        power = device / "power/runtime_status"
        yield HwmonChip(folder, name, name, address, power if power.exists() else None, mine)


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are enough
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> dict[str, Path]:
    try:
        names = sorted(filter(_ATTRIBUTE.fullmatch, os.listdir(folder)), key=sensor_order)  # noqa: PTH208
    except OSError:
        return {}
    return {name: folder / name for name in names}


def _unique_names(chips: Sequence[HwmonChip]) -> Iterator[str]:
    """The chip's name, with its device where several have the name, and its number where the device does not help."""
    how_many = Counter(chip.name for chip in chips)
    names = [chip.name if how_many[chip.name] == 1 else f"{chip.name}-{chip.device}" for chip in chips]
    how_many = Counter(names)
    for chip, name in zip(chips, names, strict=True):
        yield name if how_many[name] == 1 else f"{name}-{chip.folder}"

"""Current monitors of older Jetson boards, which NVIDIA's driver `ina3221x` shows as devices of Industrial I/O.

Format: "Software-Based Power Consumption Modeling" in the Jetson Linux Developer Guide, release 32: millivolts and
milliamperes of each rail.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from collector_core.procfs import HwmonChip, read_line
from collector_plugins.hwmon.chips import RAIL_MONITORS, ChipReader, Files

DEVICES = "/sys/bus/iio/devices"
MOST_RAILS = 3


def find_monitors(devices: Path) -> Mapping[str, ChipReader]:
    """A reader of each current monitor, by the label of its chip."""
    found: dict[str, ChipReader] = {}
    for folder in sorted(devices.glob("iio:device*")):
        name, sensors = read_line(folder / "name"), _rails(folder)
        if name.startswith(RAIL_MONITORS) and sensors:
            label = name if name not in found else f"{name} {folder.name}"
            found[label] = ChipReader(HwmonChip(folder.name, name, label, folder.name, None, {}), sensors)
    return found


def _rails(folder: Path) -> Files:
    rails: dict[str, Mapping[str, Path]] = {}
    for number in range(MOST_RAILS):
        volts, amperes = (folder / f"in_{kind}{number}_input" for kind in ("voltage", "current"))
        if volts.exists() and amperes.exists():
            rails[read_line(folder / f"rail_name_{number}") or f"rail{number}"] = {"in": volts, "curr": amperes}
    return rails

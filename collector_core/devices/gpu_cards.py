"""GPUs as the kernel shows them below /sys."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collector_core.procfs.hwmon import ASLEEP, find_hwmon_chips, read_line

DRM = "class/drm"
PCI = "bus/pci/devices"

_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_CARD = re.compile(r"card[0-9]+")
_DISPLAY_CONTROLLER = "0x03"
_ACCELERATOR = "0x12"


@dataclass(frozen=True)
class GpuCard:
    """A GPU: its PCI address, driver, and folders; `sensors` are the files of its hwmon chip by their names."""

    address: str
    driver: str
    folder: Path
    card: Path | None
    sensors: Mapping[str, Path] = field(default_factory=dict)

    @property
    def is_asleep(self) -> bool:
        """Whether the kernel has suspended it; looking wakes nothing."""
        return read_line(self.folder / "power/runtime_status") in ASLEEP

    @property
    def may_sleep(self) -> bool:
        """Whether the kernel suspends it when nobody uses it."""
        return read_line(self.folder / "power/control") == "auto"

    @property
    def model(self) -> str:
        """Its name where the driver knows one, else `VENDOR:DEVICE` as on the PCI bus."""
        name = read_line(self.folder / "product_name")
        ids = [read_line(self.folder / file).removeprefix("0x") for file in ("vendor", "device")]
        return name or (":".join(ids) if all(ids) else "")

    def number(self, path: str) -> float | None:
        """What a file of the GPU's says; None where it is not there, or says no number."""
        return _number(read_line(self.folder / path))

    def sensor(self, *names: str) -> float | None:
        """What the first of these files of its hwmon chip says that says something."""
        values = (_number(read_line(self.sensors[name])) for name in names if name in self.sensors)
        return next((value for value in values if value is not None), None)


def find_gpu_cards(sys: Path, drivers: Collection[str]) -> dict[str, GpuCard]:
    """The GPUs that one of the drivers drives, by PCI address.

    Virtual functions (SR-IOV) are left out: what they draw is within what the card draws.
    """
    found: dict[str, GpuCard] = {}
    for folder, card in _devices(sys):
        address, driver = _address(folder), _driver(folder)
        if address and driver in drivers and address not in found and not (folder / "physfn").exists():
            sensors = _own_sensors(folder, driver) or _sensors_of(sys / "class/hwmon", address)
            found[address] = GpuCard(address, driver, folder, card, sensors)
    return dict(sorted(found.items()))


def _devices(sys: Path) -> Iterator[tuple[Path, Path | None]]:
    """The folder of every device that may be a GPU, and that of its card where it has one."""
    for card in _listed(sys / DRM):
        if _CARD.fullmatch(card.name):
            yield card / "device", card
    for folder in _listed(sys / PCI):
        if read_line(folder / "class").startswith((_DISPLAY_CONTROLLER, _ACCELERATOR)):
            cards = [card for card in _listed(folder / "drm") if _CARD.fullmatch(card.name)]
            yield folder, cards[0] if cards else None


def _address(folder: Path) -> str:
    name = Path(os.path.realpath(folder)).name
    return name if _ADDRESS.fullmatch(name) else _event(folder).get("PCI_SLOT_NAME", "")


def _driver(folder: Path) -> str:
    driver = folder / "driver"
    return Path(os.path.realpath(driver)).name if driver.is_symlink() else _event(folder).get("DRIVER", "")


def _event(folder: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in read_line(folder / "uevent").splitlines())
    return {name: value for name, _, value in pairs}


def _own_sensors(folder: Path, driver: str) -> Mapping[str, Path]:
    """Those of the whole card: i915 has a chip of its own, `i915_gt0`, for each tile."""
    chips = sorted(find_hwmon_chips(folder / "hwmon"), key=lambda chip: chip.name != driver)
    return chips[0].files if chips else {}


def _sensors_of(hwmon: Path, address: str) -> Mapping[str, Path]:
    return next((chip.files for chip in find_hwmon_chips(hwmon) if chip.device == address), {})


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _number(text: str) -> float | None:
    try:
        return float(int(text))
    except ValueError:
        return None

"""GPUs as the kernel lists them on the PCI bus, and whether they sleep. Reading these files wakes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from collector_core import Clock

DEVICES = "/sys/bus/pci/devices"
DRIVERS_GPUS = "/proc/driver/nvidia/gpus"
RUNTIME_D3 = "Runtime D3 status:"  # in the driver's file `power` of a GPU: whether it lets the GPU be suspended
RESCAN_SECONDS = 60.0  # after which GPUs that were plugged in are found

_NVIDIA = "0x10de"
_DISPLAY_CONTROLLER = "0x03"  # 0x0403 is the sound function beside it
_ASLEEP = frozenset({"suspended", "suspending"})


@dataclass(frozen=True, slots=True)
class PciGpu:
    """`address` as in /sys, such as `0000:01:00.0`; `may_sleep` says whether the kernel suspends it when it is idle."""

    address: str
    asleep: bool
    may_sleep: bool


Look = Callable[[], tuple[PciGpu, ...]]


def none_known() -> tuple[PciGpu, ...]:
    """What is known where nobody looks."""
    return ()


class PciBus:
    """Looks for GPUs in the folder `devices`, and at whether they sleep; in `drivers_gpus` the driver says more."""

    def __init__(self, devices: Path, drivers_gpus: Path, clock: Clock) -> None:
        self._devices = devices
        self._drivers_gpus = drivers_gpus
        self._clock = clock
        self._found: list[Path] = []
        self._scan_at = float("-inf")

    def look(self) -> tuple[PciGpu, ...]:
        """All NVIDIA GPUs that the driver may use, in the order in which it counts them; none where sysfs has none."""
        now = self._clock.monotonic()
        if now >= self._scan_at or not all(folder.exists() for folder in self._found):
            self._found = sorted(_nvidia_gpus(self._devices), key=lambda folder: (len(folder.name), folder.name))
            self._scan_at = now + RESCAN_SECONDS
        return tuple(map(self._look_at, self._found))

    def _look_at(self, folder: Path) -> PciGpu:
        gpu = pci_gpu(folder.name, _word(folder / "power/runtime_status"), _word(folder / "power/control"))
        if gpu.may_sleep and not gpu.asleep and self._driver_forbids(gpu.address):
            return replace(gpu, may_sleep=False)
        return gpu

    def _driver_forbids(self, address: str) -> bool:
        lines = _word(self._drivers_gpus / address / "power").splitlines()
        status = next((line.removeprefix(RUNTIME_D3).strip() for line in lines if line.startswith(RUNTIME_D3)), "")
        return status.startswith(("Not supported", "Disabled"))


def pci_gpu(address: str, status: str, control: str) -> PciGpu:
    """A GPU, from what its files `power/runtime_status` and `power/control` say."""
    asleep = status in _ASLEEP
    return PciGpu(address, asleep, asleep or (control == "auto" and status != "unsupported"))


def all_asleep(gpus: tuple[PciGpu, ...]) -> bool:
    """Whether there are GPUs, and none that may be read."""
    return bool(gpus) and all(gpu.asleep for gpu in gpus)


def sysfs_address(bus_id: str) -> str:
    """The driver's bus id, `00000000:01:00.0`, as sysfs writes it; nothing where it is none."""
    domain, _, rest = bus_id.strip().lower().partition(":")
    try:
        return f"{int(domain, 16):04x}:{rest}" if rest else ""
    except ValueError:
        return ""


def _nvidia_gpus(devices: Path) -> Iterator[Path]:
    try:
        folders = list(devices.iterdir())
    except OSError:
        return
    for folder in folders:
        if _word(folder / "vendor") == _NVIDIA and _word(folder / "class").startswith(_DISPLAY_CONTROLLER):
            driver = folder / "driver"
            if not driver.exists() or driver.resolve().name == "nvidia":  # not one handed to a guest
                yield folder


def _word(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""

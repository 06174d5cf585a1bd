"""The GPUs of this machine through NVML, the driver's own library."""

from __future__ import annotations

import importlib
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from collector_core import Clock, NotAvailable, Reason
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Awake, Gpu, HostReading, Series
from collector_plugins.nvidia.nvml_values import ENERGY_COUNTER, PROCESSES, READERS, Device
from collector_plugins.nvidia.pci import sysfs_address
from collector_plugins.nvidia.possible import possible, possible_joules
from collector_plugins.nvidia.process_use import ProcessUse
from collector_plugins.nvidia.remedies import BROKEN, HIDDEN_DEVICES

INSTALL_PACKAGE = "pip install 'energy-collector[nvidia]'"

FIRST_PAUSE = 10.0  # seconds from a GPU's loss to the first attempt to get it back; the next takes twice as long
LONGEST_PAUSE = 300.0
NOT_HERE = frozenset({4, 6})  # nvmlReturn_t of a GPU that this container may not use
UNKNOWN = 999


@dataclass(frozen=True)
class _Handle:
    """A GPU as NVML knows it: its handle, or the error in its place."""

    index: str
    handle: Any
    address: str = ""


class Nvml:
    """Reads GPUs through NVML; its calls block. With `processes` the memory of each process, too."""

    name = "nvml"

    def __init__(self, clock: Clock, *, processes: bool = False) -> None:
        self.stage = "initialising NVML"
        self._clock = clock
        self._readers = (*READERS, *PROCESSES) if processes else READERS
        self._nvml: Any = None
        self._driver = ""
        self._count = 0
        self._handles: list[_Handle] = []
        self._awake: Awake | None = None
        self._pause = FIRST_PAUSE
        self._again_at = float("inf")
        self._process_use: dict[tuple[str, str], ProcessUse] = defaultdict(ProcessUse)

    def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs, or only those that are `awake`; raises `NotAvailable` when there is no NVML here, or no GPU.

        Where a GPU fell asleep or woke up NVML starts anew, because it holds on to all GPUs that it ever had.
        """
        if awake != self._awake or self._clock.monotonic() >= self._again_at:
            self.close()
        self._awake = awake
        nvml = self._nvml or self._open()
        try:
            if nvml.nvmlDeviceGetCount() != self._count:
                self.close()
                nvml = self._open()
        except nvml.NVMLError as error:
            self.close()
            raise explained(error, in_general=True) from error
        return self._read_all(nvml)

    def close(self) -> None:
        """Shut NVML down."""
        nvml, self._nvml, self._handles = self._nvml, None, []
        self._again_at = float("inf")
        if nvml:
            with suppress(nvml.NVMLError):  # it was not initialised any more
                nvml.nvmlShutdown()

    def _open(self) -> Any:
        self.stage = "initialising NVML"
        nvml = load()
        try:
            nvml.nvmlInit()
            self._nvml = nvml
            self._driver = Device(nvml, None).text(nvml.nvmlSystemGetDriverVersion)
            self._count = nvml.nvmlDeviceGetCount()
            self._handles = self._all_handles() if self._awake is None else self._handles_of(self._awake)
        except nvml.NVMLError as error:
            self.close()
            raise explained(error, in_general=True) from error
        return nvml

    def _all_handles(self) -> list[_Handle]:
        nvml = self._nvml
        found = []
        for index in range(self._count):
            handle = _tried(nvml, nvml.nvmlDeviceGetHandleByIndex, index)
            found.append(_Handle(str(index), handle, _address(nvml, handle)))
        return found

    def _handles_of(self, awake: Awake) -> list[_Handle]:
        """By address: by index or UUID NVML would wake the others."""
        nvml = self._nvml
        found = []
        for address, position in awake.items():
            handle = _tried(nvml, nvml.nvmlDeviceGetHandleByPciBusId, address)
            if isinstance(handle, nvml.NVMLError):
                found += [] if handle.value in NOT_HERE else [_Handle(position, handle, address)]
                continue
            index = _tried(nvml, nvml.nvmlDeviceGetIndex, handle)
            found.append(_Handle(str(index) if isinstance(index, int) else position, handle, address))
        return found

    def _read_all(self, nvml: Any) -> HostReading:
        gpus, failures = [], {}
        for each in self._handles:
            self.stage = f"reading GPU {each.index}"
            try:
                gpus.append(self._read_one(nvml, each))
            except nvml.NVMLError as error:
                failures[f"gpu {each.index}"] = explained(error)
        self._plan_another_start(lost=bool(failures))
        if gpus:
            return HostReading(tuple(gpus), failures)
        raise next(
            iter(failures.values()), NotAvailable(Reason.NOT_FOUND, "the driver sees no GPU", fix="lspci -d 10de:")
        )

    def _read_one(self, nvml: Any, each: _Handle) -> Gpu:
        if isinstance(each.handle, nvml.NVMLError):
            raise each.handle.with_traceback(None)
        device = Device(nvml, each.handle)
        series = possible(device.values(self._readers))
        series[Series(metrics.GPU_INFO, (device.text(nvml.nvmlDeviceGetName, each.handle), self._driver))] = 1.0
        counter = possible_joules(device.values(ENERGY_COUNTER).get(Series(metrics.ENERGY)))
        now = self._clock.monotonic()
        uuid = device.text(nvml.nvmlDeviceGetUUID, each.handle)
        use = self._process_use[each.index, uuid]
        use.update(nvml, each.handle, now)
        return Gpu(each.index, uuid, series, counter, tuple(device.problems), each.address, now, use.seconds)

    def _plan_another_start(self, *, lost: bool) -> None:
        """A lost GPU comes back only when NVML starts anew, which stops the others for a moment: ever less often."""
        if not lost:
            self._pause = FIRST_PAUSE
        elif self._again_at == float("inf"):
            self._again_at = self._clock.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)


def load() -> Any:
    """The module pynvml; raises `NotAvailable` where it is not installed."""
    try:
        return importlib.import_module("pynvml")
    except ModuleNotFoundError as error:
        raise NotAvailable(Reason.NOT_FOUND, "nvidia-ml-py is not installed", fix=INSTALL_PACKAGE) from error


def explained(error: Any, *, in_general: bool = False) -> NotAvailable:
    """What an error of NVML's means; `in_general` where it concerns the driver and not a single GPU."""
    if in_general and error.value == UNKNOWN:
        return NotAvailable(Reason.PERMISSION, f"NVML says: {error}", fix=HIDDEN_DEVICES)
    reason, detail, fix = BROKEN.get(error.value, (Reason.BAD_DATA, f"NVML says: {error}", ""))
    return NotAvailable(reason, detail, fix=fix)


def _tried(nvml: Any, function: Any, *arguments: Any) -> Any:
    """What a function of NVML's returns, or the error in its place."""
    try:
        return function(*arguments)
    except nvml.NVMLError as error:
        return error


def _address(nvml: Any, handle: Any) -> str:
    if isinstance(handle, nvml.NVMLError):
        return ""
    info = _tried(nvml, nvml.nvmlDeviceGetPciInfo, handle)
    bus_id = getattr(info, "busId", "")
    return sysfs_address(bus_id.decode(errors="replace") if isinstance(bus_id, bytes) else bus_id)

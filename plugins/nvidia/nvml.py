"""The GPUs of this machine through NVML, the driver's own library.

Units and meanings are those of the NVML API reference: milliwatts, millijoules, MHz, percent, KB/s.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from collector_core import Clock, NotAvailable, Reason
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Answer, Gpu, Series, throttled

LIBRARY = "libnvidia-ml.so.1"
INSTALL_PACKAGE = "pip install 'energy-collector[nvidia]'"
RESET = "sudo nvidia-smi --gpu-reset   # or reboot"

FIRST_PAUSE = 10.0  # seconds from a GPU's loss to the first attempt to get it back; the next takes twice as long
LONGEST_PAUSE = 300.0
KILOBYTE = 1000.0
MEMORY_TEMPERATURE_FIELD = 82  # NVML_FI_DEV_MEMORY_TEMP
NVML_VALUE_NOT_AVAILABLE = (1 << 64) - 1  # what NVML says for a process whose memory it does not know

# nvmlReturn_t: what a GPU does not have or will not tell; everything else is a failure.
ABSENT = frozenset({2, 3, 4, 6, 13, 21, 22, 24, 25, 26})
# Those after which nothing more is to be had of a GPU, or of all, before NVML was initialised again.
BROKEN = {
    1: (Reason.NOT_FOUND, "NVML is no longer initialised", ""),
    9: (Reason.NOT_FOUND, "the NVIDIA driver is not loaded", "sudo modprobe nvidia   # dmesg says why it fails"),
    12: (Reason.NOT_FOUND, f"{LIBRARY} does not exist: no NVIDIA driver is installed", "install the NVIDIA driver"),
    15: (Reason.NOT_FOUND, "the GPU is lost", RESET),
    16: (Reason.NOT_FOUND, "the GPU must be reset", RESET),
    18: (
        Reason.NOT_SUPPORTED,
        "the NVIDIA library and the loaded driver have different versions",
        "restart energy-collector if the driver was upgraded, else reboot",
    ),
}

Found = Iterable[tuple[Series, float]]


class Nvml:
    """Reads GPUs through NVML; its calls block. With `processes` the memory of each process, too."""

    name = "nvml"

    def __init__(self, clock: Clock, *, processes: bool = False) -> None:
        self.stage = "initialising NVML"
        self._clock = clock
        self._readers = (*_READERS, _processes) if processes else _READERS
        self._nvml: Any = None
        self._driver = ""
        self._handles: list[Any] = []
        self._pause = FIRST_PAUSE
        self._again_at = float("inf")

    def read(self) -> Answer:
        """All GPUs; raises `NotAvailable` when there is no NVML here, or no GPU."""
        if self._clock.monotonic() >= self._again_at:
            self.close()
        nvml = self._nvml or self._open()
        try:
            if nvml.nvmlDeviceGetCount() != len(self._handles):
                self.close()
                nvml = self._open()
        except nvml.NVMLError as error:
            self.close()
            raise explained(error) from error
        return self._read_all(nvml)

    def close(self) -> None:
        """Shut NVML down."""
        nvml, self._nvml, self._handles = self._nvml, None, []
        self._again_at = float("inf")
        if nvml:
            try:
                nvml.nvmlShutdown()
            except nvml.NVMLError:
                self.stage = "initialising NVML"  # it was not initialised any more

    def _open(self) -> Any:
        self.stage = "initialising NVML"
        nvml = load()
        try:
            nvml.nvmlInit()
            self._nvml = nvml
            self._driver = nvml.nvmlSystemGetDriverVersion()
            self._handles = [_handle(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError as error:
            self.close()
            raise explained(error) from error
        return nvml

    def _read_all(self, nvml: Any) -> Answer:
        gpus, failures = [], {}
        for index, handle in enumerate(self._handles):
            self.stage = f"reading GPU {index}"
            try:
                gpus.append(self._read_one(nvml, str(index), handle))
            except nvml.NVMLError as error:
                failures[f"gpu {index}"] = explained(error)
        self._plan_another_start(lost=bool(failures))
        if gpus:
            return Answer(tuple(gpus), failures)
        raise next(
            iter(failures.values()), NotAvailable(Reason.NOT_FOUND, "the driver sees no GPU", fix="lspci -d 10de:")
        )

    def _read_one(self, nvml: Any, index: str, handle: Any) -> Gpu:
        if isinstance(handle, nvml.NVMLError):
            raise handle.with_traceback(None)
        series: dict[Series, float] = {}
        problems: list[str] = []
        for read in self._readers:
            series.update(tolerant(nvml, read, handle, problems))
        info = Series(metrics.GPU_INFO, (nvml.nvmlDeviceGetName(handle), self._driver))
        series[info] = 1.0
        counter = dict(tolerant(nvml, _energy_counter, handle, problems)).get(Series(metrics.ENERGY))
        return Gpu(index, nvml.nvmlDeviceGetUUID(handle), series, counter, tuple(problems))

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


def _handle(nvml: Any, index: int) -> Any:
    """A GPU's handle, or the error in its place."""
    try:
        return nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        return error


def explained(error: Any) -> NotAvailable:
    """What an error of NVML's means."""
    reason, detail, fix = BROKEN.get(error.value, (Reason.BAD_DATA, f"NVML says: {error}", ""))
    return NotAvailable(reason, detail, fix=fix)


def tolerant(
    nvml: Any, read: Callable[[Any, Any], Found], gpu: Any, problems: list[str]
) -> Iterator[tuple[Series, float]]:
    """What one reader finds; what the GPU does not have is left out, raises `NVMLError` where the GPU is broken."""
    try:
        yield from read(nvml, gpu)
    except nvml.NVMLError as error:
        if error.value in BROKEN:
            raise
        if error.value not in ABSENT:
            problems.append(f"{read.__name__.strip('_')} says {error}")


def _power(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.POWER), nvml.nvmlDeviceGetPowerUsage(gpu) / 1000


def _power_limit(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.POWER_LIMIT), nvml.nvmlDeviceGetEnforcedPowerLimit(gpu) / 1000


def _energy_counter(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.ENERGY), nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1000


def _temperature(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.TEMPERATURE), float(nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU))


def _memory_temperature(nvml: Any, gpu: Any) -> Found:
    (field,) = nvml.nvmlDeviceGetFieldValues(gpu, [MEMORY_TEMPERATURE_FIELD])
    if field.nvmlReturn == nvml.NVML_SUCCESS:
        yield Series(metrics.MEMORY_TEMPERATURE), float(field.value.uiVal)


def _memory(nvml: Any, gpu: Any) -> Found:
    """Version 2 tells what the driver reserves from what is used; older drivers add it to what is used."""
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(gpu, version=nvml.nvmlMemory_v2)
    except nvml.NVMLError as error:
        if error.value not in ABSENT:
            raise
        memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
    yield Series(metrics.MEMORY_USED), float(memory.used)
    yield Series(metrics.MEMORY_TOTAL), float(memory.total)


def _utilization(nvml: Any, gpu: Any) -> Found:
    rates = nvml.nvmlDeviceGetUtilizationRates(gpu)
    yield Series(metrics.UTILIZATION), rates.gpu / 100
    yield Series(metrics.MEMORY_UTILIZATION), rates.memory / 100


def _encoder(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.ENCODER_UTILIZATION), nvml.nvmlDeviceGetEncoderUtilization(gpu)[0] / 100


def _decoder(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.DECODER_UTILIZATION), nvml.nvmlDeviceGetDecoderUtilization(gpu)[0] / 100


def _fan(nvml: Any, gpu: Any) -> Found:
    yield Series(metrics.FAN_SPEED), nvml.nvmlDeviceGetFanSpeed(gpu) / 100


def _clocks(nvml: Any, gpu: Any) -> Found:
    clocks = {
        "graphics": nvml.NVML_CLOCK_GRAPHICS,
        "sm": nvml.NVML_CLOCK_SM,
        "memory": nvml.NVML_CLOCK_MEM,
        "video": nvml.NVML_CLOCK_VIDEO,
    }
    for name, kind in clocks.items():
        yield Series(metrics.CLOCK, (name,)), nvml.nvmlDeviceGetClockInfo(gpu, kind) * 1e6


def _event_reasons(nvml: Any, gpu: Any) -> Found:
    return throttled(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu))


def _ecc(nvml: Any, gpu: Any) -> Found:
    kinds = {
        "corrected": nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED,
        "uncorrected": nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
    }
    for name, kind in kinds.items():
        errors = nvml.nvmlDeviceGetTotalEccErrors(gpu, kind, nvml.NVML_VOLATILE_ECC)
        yield Series(metrics.ECC_ERRORS, (name,)), float(errors)


def _pcie(nvml: Any, gpu: Any) -> Found:
    directions = {"receive": nvml.NVML_PCIE_UTIL_RX_BYTES, "transmit": nvml.NVML_PCIE_UTIL_TX_BYTES}
    for name, direction in directions.items():
        rate = nvml.nvmlDeviceGetPcieThroughput(gpu, direction) * KILOBYTE
        yield Series(metrics.PCIE_THROUGHPUT, (name,)), rate


def _mig(nvml: Any, gpu: Any) -> Found:
    enabled, _ = nvml.nvmlDeviceGetMigMode(gpu)
    yield Series(metrics.MIG_ENABLED), float(enabled)
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(gpu) if enabled else 0):
        try:
            slice_ = nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, number)
        except nvml.NVMLError as error:
            if error.value not in ABSENT:
                raise
            continue  # numbers may be free in between
        labels = nvml.nvmlDeviceGetUUID(slice_), nvml.nvmlDeviceGetName(slice_).rpartition(" MIG ")[2]
        memory = nvml.nvmlDeviceGetMemoryInfo(slice_)
        yield Series(metrics.MIG_MEMORY_USED, labels), float(memory.used)
        yield Series(metrics.MIG_MEMORY_TOTAL, labels), float(memory.total)


def _processes(nvml: Any, gpu: Any) -> Found:
    """A process that computes and draws is in both lists, with the same memory."""
    processes = [*nvml.nvmlDeviceGetComputeRunningProcesses(gpu), *nvml.nvmlDeviceGetGraphicsRunningProcesses(gpu)]
    for process in processes:
        if process.usedGpuMemory not in (None, NVML_VALUE_NOT_AVAILABLE):
            labels = str(process.pid), nvml.nvmlSystemGetProcessName(process.pid)
            yield Series(metrics.PROCESS_MEMORY, labels), float(process.usedGpuMemory)


_READERS: tuple[Callable[[Any, Any], Found], ...] = (
    _power,
    _power_limit,
    _temperature,
    _memory_temperature,
    _memory,
    _utilization,
    _encoder,
    _decoder,
    _fan,
    _clocks,
    _event_reasons,
    _ecc,
    _pcie,
    _mig,
)

ENERGY_READERS: tuple[Callable[[Any, Any], Found], ...] = (_energy_counter, _power, _power_limit)

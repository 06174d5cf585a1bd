"""What NVML says of one GPU, each value alone: one that fails costs no other.

Units and meanings are those of the NVML API reference: milliwatts, millijoules, MHz, percent, KB/s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from collector_core import describe
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Series, throttled
from collector_plugins.nvidia.remedies import BROKEN

KILOBYTE = 1000.0
MEMORY_TEMPERATURE_FIELD = 82  # NVML_FI_DEV_MEMORY_TEMP
NVML_VALUE_NOT_AVAILABLE = (1 << 64) - 1  # what NVML says for a process whose memory it does not know
NOT_FOUND = 6

# nvmlReturn_t: what a GPU does not have or will not tell; everything else is a failure.
ABSENT = frozenset({2, 3, 4, NOT_FOUND, 13, 21, 22, 24, 25, 26})

Found = Iterable[tuple[Series, float]]


class Reader(NamedTuple):
    """Reads one value, or several that come together; `what` names them in messages."""

    what: str
    read: Callable[[Device], Found]


class Device:
    """One GPU, by its handle. `problems` says what could not be read although it should."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml = nvml
        self.handle = handle
        self.problems: list[str] = []

    def values(self, readers: Iterable[Reader]) -> dict[Series, float]:
        """What the readers find, in base units; raises `NVMLError` where nothing more is to be had of the GPU."""
        return {series: value for reader in readers for series, value in self.tolerate(reader)}

    def tolerate(self, reader: Reader) -> Iterator[tuple[Series, float]]:
        """What one reader finds; what the GPU does not have is left out, and what goes wrong is noted."""
        try:
            yield from reader.read(self)
        except self.nvml.NVMLError as error:
            if error.value in BROKEN:
                raise
            if error.value not in ABSENT:
                self.problems.append(f"{reader.what} says {error}")
        except Exception as error:  # noqa: BLE001 - the library's wrapper raises what it likes, UnicodeDecodeError too
            self.problems.append(f"{reader.what}: {describe(error)}")

    def text(self, function: Callable[..., str], *arguments: Any) -> str:
        """A text that the driver says: what is not UTF-8 in it is replaced, and it is empty where there is none."""
        try:
            return function(*arguments)
        except UnicodeDecodeError as error:
            return error.object.decode(errors="replace")
        except Exception as error:
            if isinstance(error, self.nvml.NVMLError) and error.value in BROKEN:
                raise
            return ""


def _power(device: Device) -> Found:
    yield Series(metrics.POWER), device.nvml.nvmlDeviceGetPowerUsage(device.handle) / 1000


def _power_limit(device: Device) -> Found:
    yield Series(metrics.POWER_LIMIT), device.nvml.nvmlDeviceGetEnforcedPowerLimit(device.handle) / 1000


def _energy_counter(device: Device) -> Found:
    yield Series(metrics.ENERGY), device.nvml.nvmlDeviceGetTotalEnergyConsumption(device.handle) / 1000


def _temperature(device: Device) -> Found:
    nvml = device.nvml
    yield Series(metrics.TEMPERATURE), float(nvml.nvmlDeviceGetTemperature(device.handle, nvml.NVML_TEMPERATURE_GPU))


def _memory_temperature(device: Device) -> Found:
    (field,) = device.nvml.nvmlDeviceGetFieldValues(device.handle, [MEMORY_TEMPERATURE_FIELD])
    if field.nvmlReturn == device.nvml.NVML_SUCCESS:
        yield Series(metrics.MEMORY_TEMPERATURE), float(field.value.uiVal)


def _memory(device: Device) -> Found:
    """Version 2 tells what the driver reserves from what is used; older drivers add it to what is used."""
    nvml = device.nvml
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(device.handle, version=nvml.nvmlMemory_v2)
    except nvml.NVMLError as error:
        if error.value not in ABSENT:
            raise
        memory = nvml.nvmlDeviceGetMemoryInfo(device.handle)
    yield Series(metrics.MEMORY_USED), float(memory.used)
    yield Series(metrics.MEMORY_TOTAL), float(memory.total)


def _utilization(device: Device) -> Found:
    rates = device.nvml.nvmlDeviceGetUtilizationRates(device.handle)
    yield Series(metrics.UTILIZATION), rates.gpu / 100
    yield Series(metrics.MEMORY_UTILIZATION), rates.memory / 100


def _encoder(device: Device) -> Found:
    yield Series(metrics.ENCODER_UTILIZATION), device.nvml.nvmlDeviceGetEncoderUtilization(device.handle)[0] / 100


def _decoder(device: Device) -> Found:
    yield Series(metrics.DECODER_UTILIZATION), device.nvml.nvmlDeviceGetDecoderUtilization(device.handle)[0] / 100


def _fan(device: Device) -> Found:
    yield Series(metrics.FAN_SPEED), device.nvml.nvmlDeviceGetFanSpeed(device.handle) / 100


def _clock(name: str, kind: str, device: Device) -> Found:
    hertz = device.nvml.nvmlDeviceGetClockInfo(device.handle, getattr(device.nvml, kind)) * 1e6
    yield Series(metrics.CLOCK, (name,)), hertz


def _event_reasons(device: Device) -> Found:
    return throttled(device.nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device.handle))


def _ecc(name: str, kind: str, device: Device) -> Found:
    nvml = device.nvml
    errors = nvml.nvmlDeviceGetTotalEccErrors(device.handle, getattr(nvml, kind), nvml.NVML_VOLATILE_ECC)
    yield Series(metrics.ECC_ERRORS, (name,)), float(errors)


def _pcie(name: str, counter: str, device: Device) -> Found:
    rate = device.nvml.nvmlDeviceGetPcieThroughput(device.handle, getattr(device.nvml, counter)) * KILOBYTE
    yield Series(metrics.PCIE_THROUGHPUT, (name,)), rate


def _mig(device: Device) -> Found:
    enabled, _ = device.nvml.nvmlDeviceGetMigMode(device.handle)
    yield Series(metrics.MIG_ENABLED), float(enabled)
    for number in range(device.nvml.nvmlDeviceGetMaxMigDeviceCount(device.handle) if enabled else 0):
        yield from device.tolerate(Reader(f"slice {number}", partial(_slice, number)))


def _slice(number: int, device: Device) -> Found:
    """Nothing where the number is free."""
    nvml = device.nvml
    slice_ = nvml.nvmlDeviceGetMigDeviceHandleByIndex(device.handle, number)
    memory = nvml.nvmlDeviceGetMemoryInfo(slice_)
    uuid, name = device.text(nvml.nvmlDeviceGetUUID, slice_), device.text(nvml.nvmlDeviceGetName, slice_)
    labels = uuid or str(number), name.rpartition(" MIG ")[2]
    yield Series(metrics.MIG_MEMORY_USED, labels), float(memory.used)
    yield Series(metrics.MIG_MEMORY_TOTAL, labels), float(memory.total)


def _processes(function: str, device: Device) -> Found:
    for process in getattr(device.nvml, function)(device.handle):
        if process.usedGpuMemory not in (None, NVML_VALUE_NOT_AVAILABLE):
            yield from device.tolerate(Reader(f"process {process.pid}", partial(_process, process)))


def _process(process: Any, device: Device) -> Found:
    """Nothing where it has ended meanwhile."""
    nvml = device.nvml
    try:
        name = nvml.nvmlSystemGetProcessName(process.pid)
    except UnicodeDecodeError as error:
        name = error.object.decode(errors="replace")
    except nvml.NVMLError as error:
        if error.value == NOT_FOUND or error.value not in ABSENT:
            raise
        name = ""
    yield Series(metrics.PROCESS_MEMORY, (str(process.pid), name)), float(process.usedGpuMemory)


_POWER = Reader("power", _power)
_POWER_LIMIT = Reader("power_limit", _power_limit)

ENERGY_COUNTER = (Reader("energy_counter", _energy_counter),)
ENERGY = (*ENERGY_COUNTER, _POWER, _POWER_LIMIT)

READERS = (
    _POWER,
    _POWER_LIMIT,
    Reader("temperature", _temperature),
    Reader("memory_temperature", _memory_temperature),
    Reader("memory", _memory),
    Reader("utilization", _utilization),
    Reader("encoder", _encoder),
    Reader("decoder", _decoder),
    Reader("fan", _fan),
    Reader("graphics clock", partial(_clock, "graphics", "NVML_CLOCK_GRAPHICS")),
    Reader("sm clock", partial(_clock, "sm", "NVML_CLOCK_SM")),
    Reader("memory clock", partial(_clock, "memory", "NVML_CLOCK_MEM")),
    Reader("video clock", partial(_clock, "video", "NVML_CLOCK_VIDEO")),
    Reader("event_reasons", _event_reasons),
    Reader("corrected errors", partial(_ecc, "corrected", "NVML_MEMORY_ERROR_TYPE_CORRECTED")),
    Reader("uncorrected errors", partial(_ecc, "uncorrected", "NVML_MEMORY_ERROR_TYPE_UNCORRECTED")),
    Reader("pcie receive", partial(_pcie, "receive", "NVML_PCIE_UTIL_RX_BYTES")),
    Reader("pcie transmit", partial(_pcie, "transmit", "NVML_PCIE_UTIL_TX_BYTES")),
    Reader("mig", _mig),
)

# A process that computes and draws is in both lists, with the same memory.
PROCESSES = (
    Reader("computing processes", partial(_processes, "nvmlDeviceGetComputeRunningProcesses")),
    Reader("drawing processes", partial(_processes, "nvmlDeviceGetGraphicsRunningProcesses")),
)

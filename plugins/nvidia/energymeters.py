"""GPUs as energy meters: those of this machine, and those of other hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from collector_core import Clock, Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.nvidia.energy import GpuEnergy
from collector_plugins.nvidia.gpu import Gpu
from collector_plugins.nvidia.host_reader import HostReader
from collector_plugins.nvidia.quicknvml import QuickNvml

# nvidia-smi(1): the power is accurate to within ±5 %. Its area misses what happens between two readings (Yang et al.,
# "Part-time Power Measurements: nvidia-smi's Lack of Attention", arXiv 2312.02741, 2023).
UNCERTAINTY = {EnergyMethod.NVML_COUNTER: 0.05, EnergyMethod.POWER_INTEGRAL: 0.1}
# Counter and power are updated every 20 to 100 ms, depending on the GPU (the same paper, section 4).
PERIOD_SECONDS = 0.1


def energy_meters(reader: HostReader, gpus: Sequence[Gpu], nvml: QuickNvml, clock: Clock) -> Iterator[EnergyMeter]:
    """A meter for each GPU of the machine that a reader reads, where its energy is known."""
    for gpu in gpus:
        energy = reader.energy(gpu)
        if energy.method is not None:
            yield EnergyMeter(
                component=Component.GPU,
                device=gpu.uuid or gpu.index,
                method=energy.method,
                uncertainty=UNCERTAINTY[energy.method],
                period=PERIOD_SECONDS,
                latest=energy.latest,
                read=DirectReading(gpu, energy, nvml, clock).take,
                max_watts=energy.max_watts,
                busy_by_process=partial(getattr, gpu, "busy_by_process"),
            )


def meters_of_host(reader: HostReader, gpus: Sequence[Gpu], period: float) -> Iterator[EnergyMeter]:
    """A meter for each GPU of another host, as it was read last; `period` in seconds."""
    for gpu in gpus:
        energy = reader.energy(gpu)
        if energy.method is not None:
            yield EnergyMeter(
                Component.GPU,
                gpu.uuid or gpu.index,
                energy.method,
                UNCERTAINTY[energy.method],
                period,
                latest=energy.latest,
                read=energy.latest,
                max_watts=energy.max_watts,
                host=reader.host,
            )


@dataclass(frozen=True)
class DirectReading:
    """Asks the driver about one GPU."""

    gpu: Gpu
    energy: GpuEnergy
    nvml: QuickNvml
    clock: Clock

    def take(self) -> EnergyReading | None:
        """What it says now, on any thread; raises `NotAvailable` where there is no NVML."""
        started = self.clock.monotonic()
        now = self.nvml.read(self.gpu)
        self.energy.update(now, (started + self.clock.monotonic()) / 2)
        return self.energy.latest()

"""A source of simulated GPUs, for trying dashboards: `local: demo`, and the hosts of `run --demo`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector_core import Clock
from collector_core.demo import Totals, noise
from collector_core.demo.rack import DemoGpu, Rack
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Awake, Gpu, HostReading, Series, throttled

DRIVER = "demo"
HOT_CELSIUS = 83.0
NEAR_LIMIT = 0.98  # of the load
IDLE = 0.01
# Bits of gpu.EVENT_REASONS.
GPU_IDLE = 0x01
SW_POWER_CAP = 0x04
SW_THERMAL_SLOWDOWN = 0x20


def own_gpus() -> Sequence[DemoGpu]:
    """The GPUs that `local: demo` shows: those of the demo's busiest host."""
    gpus = Rack().gpus
    busiest = max((gpu.host for gpu in gpus), key=lambda host: sum(gpu.limit_watts for gpu in gpus if gpu.host == host))
    return tuple(gpu for gpu in gpus if gpu.host == busiest)


class Demo:
    """GPUs that work on the jobs of the demo rack. Where `counts`, each has an energy counter, else its power alone."""

    name = "demo"
    stage = "simulating"
    connections = None

    def __init__(self, clock: Clock, gpus: Sequence[DemoGpu], *, counts: bool = True) -> None:
        self._clock = clock
        self._gpus = gpus
        self._totals = Totals() if counts else None

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs."""
        del awake
        when = self._clock.time()
        return HostReading(tuple(self._gpu(gpu, when) for gpu in self._gpus), {})

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _gpu(self, gpu: DemoGpu, when: float) -> Gpu:
        joules = self._totals.grow(gpu.uuid, gpu.watts(when), when) if self._totals else None
        return Gpu(str(gpu.index), gpu.uuid, dict(_series(gpu, when)), joules)


def _series(gpu: DemoGpu, when: float) -> Iterator[tuple[Series, float]]:
    load, celsius, used = gpu.load(when), gpu.celsius(when), gpu.memory_used_bytes(when)
    memory_use = max(0.0, min(1.0, 0.6 * load * (1 + noise(when, f"{gpu.uuid} memory", 0.2, 60.0))))
    slow = 0.85 if celsius > HOT_CELSIUS else 1.0
    yield Series(metrics.POWER), gpu.watts(when)
    yield Series(metrics.POWER_LIMIT), gpu.limit_watts
    yield Series(metrics.TEMPERATURE), celsius
    yield Series(metrics.MEMORY_TEMPERATURE), celsius + 6 + 4 * load
    yield Series(metrics.MEMORY_USED), used
    yield Series(metrics.MEMORY_TOTAL), gpu.memory_bytes
    yield Series(metrics.UTILIZATION), load
    yield Series(metrics.MEMORY_UTILIZATION), memory_use
    yield Series(metrics.FAN_SPEED), min(1.0, 0.25 + max(0.0, celsius - 40) / 55)
    yield Series(metrics.CLOCK, ("graphics",)), 210e6 + 1.7e9 * slow * min(1.0, 2 * load)
    yield Series(metrics.CLOCK, ("memory",)), 9.75e9 if load > IDLE else 405e6
    yield Series(metrics.PCIE_THROUGHPUT, ("receive",)), 2.2e9 * load
    yield Series(metrics.PCIE_THROUGHPUT, ("transmit",)), 0.7e9 * load
    yield Series(metrics.ECC_ERRORS, ("corrected",)), 0.0
    yield Series(metrics.ECC_ERRORS, ("uncorrected",)), 0.0
    yield Series(metrics.GPU_INFO, (gpu.model, DRIVER)), 1.0
    yield from throttled(_reasons(load, celsius))


def _reasons(load: float, celsius: float) -> int:
    hot = SW_THERMAL_SLOWDOWN if celsius > HOT_CELSIUS else 0
    return hot | (SW_POWER_CAP if load > NEAR_LIMIT else GPU_IDLE if load < IDLE else 0)

"""A simulated box with four GPUs, for trying dashboards; the plugin marks its series `demo="true"`."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin

from collector_core import Clock
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Answer, Gpu, Series, throttled

GPUS = 4
LIMIT_WATTS = 350.0
IDLE_WATTS = 40.0
MEMORY_BYTES = 24 << 30
SW_POWER_CAP = 0x4
GPU_IDLE = 0x1


class Demo:
    """GPUs whose load swings, each at a pace of its own; their energy counters are the exact area under their power."""

    name = "demo"
    stage = "simulating"
    connections = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def read(self) -> Answer:
        """All GPUs."""
        now = self._clock.monotonic()
        return Answer(tuple(_gpu(index, now) for index in range(GPUS)), {})

    async def close(self) -> None:
        """There is nothing to let go of."""


def _gpu(index: int, now: float) -> Gpu:
    period = 600.0 + 240.0 * index
    angle = 2 * pi * now / period
    load = (1 + sin(angle)) / 2
    # The integral of the load from 0 to now.
    load_seconds = (now + (1 - cos(angle)) * period / (2 * pi)) / 2
    joules = IDLE_WATTS * now + (LIMIT_WATTS - IDLE_WATTS) * load_seconds
    uuid = f"GPU-00000000-demo-0000-0000-{index:012}"
    return Gpu(str(index), uuid, dict(_series(load)), joules)


def _series(load: float) -> Iterator[tuple[Series, float]]:
    yield Series(metrics.POWER), IDLE_WATTS + (LIMIT_WATTS - IDLE_WATTS) * load
    yield Series(metrics.POWER_LIMIT), LIMIT_WATTS
    yield Series(metrics.TEMPERATURE), 35.0 + 45.0 * load
    yield Series(metrics.MEMORY_USED), (0.1 + 0.8 * load) * MEMORY_BYTES
    yield Series(metrics.MEMORY_TOTAL), float(MEMORY_BYTES)
    yield Series(metrics.UTILIZATION), load
    yield Series(metrics.MEMORY_UTILIZATION), 0.6 * load
    yield Series(metrics.FAN_SPEED), 0.3 + 0.5 * load
    yield Series(metrics.CLOCK, ("graphics",)), 210e6 + 1.5e9 * load
    yield Series(metrics.CLOCK, ("memory",)), 9.75e9
    yield Series(metrics.GPU_INFO, ("Simulated GPU", "demo")), 1.0
    yield from throttled(SW_POWER_CAP if load > 0.97 else GPU_IDLE if load < 0.03 else 0)

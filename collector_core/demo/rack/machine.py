"""The demo rack: one machine with virtual machines and GPUs, GPU hosts beside it and a home around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log1p

from collector_core.demo.rack.gpus import GPUS, HOST_DOWN, RACK, DemoGpu
from collector_core.demo.rack.guests import GUESTS, DemoGuest
from collector_core.demo.rack.home import Home, HomeModel
from collector_core.demo.signals import daily, noise

REST_WATTS = 55.0  # board, disks, fans
SUPPLY_EFFICIENCY = 0.92


@dataclass(frozen=True)
class Rack:
    """What all simulated plugins take their numbers from, so that they fit together.

    Guests keep cores busy, busy cores draw watts, jobs load GPUs; all of it draws from a power station at home, which
    the home's sun, battery and grid feed. Times are seconds since 1970, powers watts.
    """

    host = RACK
    host_down = HOST_DOWN
    cpu_model = "Simulated Xeon 16-core"
    packages = 2
    cores = 32
    threads = 64
    memory_bytes = float(256 << 30)
    country = "DE"
    currency = "EUR"
    price_per_kwh = 0.32
    pue = 1.25  # of the building
    # Watts of processors and memory at x busy cores: c0 + c1·x + c2·x², which grows up to all cores.
    coefficients = (56.0, 7.6, -0.05)

    @property
    def guests(self) -> Sequence[DemoGuest]:
        """The virtual machines."""
        return GUESTS

    @property
    def gpus(self) -> Sequence[DemoGpu]:
        """All GPUs; those whose `host` is the rack's are built into it."""
        return GPUS

    def busy_cores(self, when: float) -> float:
        """Cores that guests and the host itself keep busy."""
        own = 0.9 + noise(when, "host", 0.4, 120.0)
        return min(float(self.cores), own + sum(guest.busy_cores(when) for guest in self.guests))

    def cpu_load(self, when: float) -> float:
        """Busy part of the processors, 0 to 1."""
        return self.busy_cores(when) / self.cores

    def package_watts(self, when: float) -> Sequence[float]:
        """Power of each processor's package, without memory."""
        busy = self.busy_cores(when)
        c0, c1, c2 = self.coefficients
        both = (c0 + c1 * busy + c2 * busy * busy - self._memory_watts(busy)) * (1 + noise(when, "package", 0.02, 20.0))
        first = 0.5 + noise(when, "balance", 0.06, 900.0)
        return both * first, both * (1 - first)

    def memory_watts(self, when: float) -> float:
        """Power of all memory."""
        return self._memory_watts(self.busy_cores(when))

    def memory_used_ratio(self, when: float) -> float:
        """Memory in use, 0 to 1."""
        return daily(when, 0.52, 0.66, peak_hour=18) + noise(when, "memory", 0.02, 1800.0)

    def machine_watts(self, when: float) -> float:
        """What the machine draws from its plug: processors, memory, its own GPUs, the rest, and what supplies lose."""
        inside = sum(self.package_watts(when)) + self.memory_watts(when) + REST_WATTS
        return (inside + sum(gpu.watts(when) for gpu in self._own_gpus())) / SUPPLY_EFFICIENCY

    def home(self, when: float) -> Home:
        """The home around it."""
        return self._home.at(when)

    @staticmethod
    def _memory_watts(busy_cores: float) -> float:
        return 8.0 + 4.0 * log1p(busy_cores)

    def _own_gpus(self) -> Iterator[DemoGpu]:
        return (gpu for gpu in self.gpus if gpu.host == self.host)

    @cached_property
    def _home(self) -> HomeModel:
        return HomeModel(self.machine_watts)

"""From activity to watts: a curve between idle and the share of its TDP that a processor draws at work."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from collector_core.procfs import ProcessorKind
from collector_plugins.estimate.sizing import Sizing

GIB = 2**30

# Of the TDP: an idle server processor draws about a tenth (Davy, "Building an AWS EC2 carbon emissions dataset", 2021,
# has 12 %). As soon as a CPU is awake the package may not sleep as a whole (package C-states: Schöne et al., "Energy
# efficiency features of the Intel Skylake-SP processor", HPCS 2019): clocks, caches, interconnect and memory
# controller then draw about as much again, which is our assumption.
IDLE = 0.1
AWAKE = 0.1

# Of the TDP, with all CPUs busy. TDP is what cooling must bear under the heaviest sustained load. Ordinary work on
# servers stays well below: Fan, Weber, Barroso, "Power provisioning for a warehouse-sized computer", ISCA 2007, measure
# two thirds of a server's rating at its peak. Desktops turn spare power into clock, and laptops and boards are held at
# just this limit for as long as there is work; how far is our assumption.
FULL = {ProcessorKind.SERVER: 0.65, ProcessorKind.DESKTOP: 0.9, ProcessorKind.LAPTOP: 1.0, ProcessorKind.BOARD: 1.0}

# Of a core's power: what a second thread adds to one that is busy already. It shares the core's resources and adds
# up to 30 % of performance (Marr et al., "Hyper-Threading technology", Intel Technology Journal 6(1), 2002).
SECOND_THREAD = 0.2

# Rule of thumb of memory makers: 3 W for 8 GB. Large machines have larger modules, and a module's power grows less than
# its size (Micron, TN-40-07 "Calculating memory power for DDR4 SDRAM", has what it is made of); by how much less is our
# assumption.
MEMORY_WATTS_PER_GIB = 0.375
MEMORY_WATTS_PER_GIB_BEYOND = 0.1
SMALL_MEMORY_GIB = 64


class Activity(NamedTuple):
    """Share of CPU time that was busy, 0 to 1, and how fast busy CPUs ran: 1 is the base clock, or unknown."""

    utilization: float
    clock: float = 1.0


Curve = Callable[[Activity], float]


@dataclass(frozen=True)
class TdpCurve:
    """Watts of all processors by their TDP: idle + awake + cores at work, times their clock.

    With x the utilization, n CPUs and two threads a core: some CPU is awake with probability 1 − (1 − x)ⁿ, a core is at
    work with 1 − (1 − x)², and at both its threads with x². Power of a core follows its clock up to the base clock. A
    faster one at full load means that the load is light, for the TDP is a limit at any clock.
    """

    idle: float
    awake: float
    cores: float
    cpus: int
    threads_per_core: int

    def __call__(self, activity: Activity) -> float:
        """Watts, from `idle` to the sum of all three."""
        x = activity.utilization
        awake = 1 - (1 - x) ** self.cpus
        return self.idle + self.awake * awake + self.cores * self._at_work(x) * min(1.0, activity.clock)

    def _at_work(self, x: float) -> float:
        if self.threads_per_core == 1:
            return x
        return (1 - SECOND_THREAD) * (1 - (1 - x) ** 2) + SECOND_THREAD * x**2


def tdp_curve(sizing: Sizing, *, cpus: int, virtual: bool, idle_watts: float | None = None) -> TdpCurve:
    """The curve of a machine; `idle_watts` is of one processor, and at most its TDP.

    A guest's floor is that of a processor awake: it shares it with guests that seldom all sleep.
    """
    idle = IDLE * sizing.tdp_watts if idle_watts is None else idle_watts
    full = max(FULL[sizing.kind] * sizing.tdp_watts, idle)
    awake = min(AWAKE * sizing.tdp_watts, full - idle)
    cores = full - idle - awake
    if virtual:
        idle, awake = idle + awake, 0.0
    return TdpCurve(
        idle=idle * sizing.factor,
        awake=awake * sizing.factor,
        cores=cores * sizing.factor,
        cpus=cpus,
        threads_per_core=sizing.threads_per_core,
    )


class MeasuredCurve:
    """Through measured points of utilization and watts; between them it bends as `shape` does, outside it is flat.

    Straight lines over what `shape` says of the utilization (at the base clock), not over the utilization itself: the
    first busy CPU of a server adds more than any other, and few points do not show where.
    """

    def __init__(self, points: Sequence[tuple[float, float]], shape: Curve) -> None:
        self._shape = shape
        self._points = [(shape(Activity(utilization)), watts) for utilization, watts in sorted(points)]

    def __call__(self, activity: Activity) -> float:
        """Watts; the clock is within what was measured, as far as it follows the load."""
        x = self._shape(Activity(activity.utilization))
        place = bisect(self._points, x, key=itemgetter(0))
        if place in (0, len(self._points)):
            return self._points[max(0, place - 1)][1]
        (low, watts), (high, more) = self._points[place - 1 : place + 1]
        return watts + (more - watts) * (x - low) / (high - low)


def memory_watts(size: int) -> float:
    """Watts of memory of so many bytes."""
    gib = size / GIB
    beyond = max(0.0, gib - SMALL_MEMORY_GIB)
    return (gib - beyond) * MEMORY_WATTS_PER_GIB + beyond * MEMORY_WATTS_PER_GIB_BEYOND

"""Two moments and what meters mean → a finished measurement."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collector_core.measure.cross_check import compare
from collector_core.measure.measurement import Disagreement, Measurement, OtherUse
from collector_core.measure.meter_readings import Growth, Moment, Outcome, growth
from collector_core.measure.other_use import Others, OthersUse
from collector_core.measure.overhead import Cost
from collector_core.measure.usage import CPUS, Difference, Usage, difference
from collector_core.metering.factors import EnergyFactors
from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod
from collector_core.metering.selection import trust

# Whose energy follows CPU time; a GPU's or a battery's does not.
_OF_THE_CPU = frozenset({Component.CPU, Component.DRAM, Component.HOST})


@dataclass(frozen=True)
class Setup:
    """What stays the same from one measurement to the next.

    `counted` are the meters that make the sum, `others` know the same things by other methods. `idle_watts` is what the
    counted ones drew while the monitor waited, None where one of them did not say. `processor` is the machine's,
    `factors` are what its energy emits and costs.
    """

    counted: tuple[EnergyMeter, ...]
    others: tuple[EnergyMeter, ...] = ()
    idle_watts: float | None = None
    cost: Cost = field(default_factory=Cost)
    processor: str = ""
    factors: EnergyFactors = field(default_factory=EnergyFactors)


class Seen(NamedTuple):
    """What the sampler saw while the work ran: the most memory, and the CPU time that looking took itself.

    `first` and `last` are what all meters said at its first look and at the end, None where it did not look.
    """

    memory_bytes: int | None = None
    cpu_seconds: float = 0.0
    first: tuple[Outcome, ...] | None = None
    last: tuple[Outcome, ...] | None = None


class Counted(NamedTuple):
    """What one meter says of the work: joules with and without the cost of measuring, or the problem it has."""

    meter: EnergyMeter
    raw: float
    joules: float
    problem: str


def use_of_others(others: Others | None, before: Moment, after: Moment) -> OthersUse:
    """What was used by those that were named, now."""
    if others is None:
        return OthersUse()
    others.look()
    return others.use(difference(before.usage, after.usage).cpu_seconds)


def conclude(
    measurement: Measurement, setup: Setup, before: Moment, after: Moment, seen: Seen, others: OthersUse
) -> None:
    """Fill in a measurement."""
    measurement.host, measurement.processor = platform.node(), setup.processor
    measurement.raw_duration_seconds = after.time - before.time
    measurement.duration_seconds = max(0.0, measurement.raw_duration_seconds - setup.cost.duration)
    measurement.overhead_seconds = measurement.raw_duration_seconds - measurement.duration_seconds
    duration = measurement.duration_seconds
    _energy(measurement, setup, [_count(setup, place, before, after, duration) for place in range(len(setup.counted))])
    used = difference(before.usage, after.usage)
    used = used._replace(cpu_seconds=max(0.0, used.cpu_seconds - others.of_measured))
    _usage(measurement, used, setup.cost.cpu + seen.cpu_seconds)
    _attribute(measurement, used, others)
    measurement.problems += others.problems
    _memory(measurement, before.usage, after.usage, seen.memory_bytes)
    measurement.disagreements = _disagreements(setup, seen)


def _count(setup: Setup, place: int, before: Moment, after: Moment, duration: float) -> Counted:
    meter = setup.counted[place]
    grown = growth(before.outcomes[place], after.outcomes[place], meter.max_watts)
    if duration < meter.period:
        grown = Growth(problem=f"is updated only every {meter.period:g} s, and the block took {duration:.3g} s")
    # The window in which the meter counted is longer than the block by what reading it takes.
    lost = min(setup.cost.of(place), grown.seconds)
    joules = grown.joules * (1 - lost / grown.seconds) if grown.seconds > 0 else grown.joules
    return Counted(meter, grown.joules, joules, grown.problem)


def _energy(measurement: Measurement, setup: Setup, found: Sequence[Counted]) -> None:
    duration = measurement.duration_seconds
    measurement.problems = tuple(f"{each.meter.name}: {each.problem}" for each in found if each.problem)
    measurement.components = _by_component(found)
    measurement.method = method_of(setup)
    measurement.estimated = any(each.meter.method == EnergyMethod.MODEL for each in found)
    measurement.period_seconds = max(each.meter.period for each in found)
    measurement.shorter_than_period = duration < measurement.period_seconds
    measurement.idle_joules = None if setup.idle_watts is None else setup.idle_watts * duration
    whole = not measurement.problems
    measurement.energy_joules = energy = sum(each.joules for each in found) if whole else None
    measurement.raw_energy_joules = raw = sum(each.raw for each in found) if whole else None
    measurement.emissions_grams, measurement.cost = setup.factors.grams(energy), setup.factors.cost(energy)
    measurement.currency = None if measurement.cost is None else setup.factors.currency
    measurement.overhead_joules = None if raw is None or energy is None else raw - energy
    measurement.uncertainty_ratio = _uncertainty(found, duration) if whole else None


def method_of(setup: Setup) -> str:
    """How the sum comes to be known, the most trusted method first."""
    methods = {meter.method for meter in setup.counted}
    return "+".join(sorted(methods, key=lambda method: (trust(method), method)))


def _by_component(found: Sequence[Counted]) -> dict[str, float]:
    """Joules by component, where all of its meters are known."""
    incomplete = {each.meter.component for each in found if each.problem}
    joules: dict[str, float] = {}
    for each in found:
        component = each.meter.component
        if component not in incomplete:
            joules[str(component)] = joules.get(str(component), 0.0) + each.joules
    return joules


def _uncertainty(known: Sequence[Counted], duration: float) -> float | None:
    """The mean of what each is uncertain by, which may all err to one side.

    A block begins and ends within a period, and what measuring cost differs from one time to the next.
    """
    total = sum(each.joules for each in known)
    if total <= 0:
        return None
    errors = (
        each.joules * (each.meter.uncertainty + each.meter.period / duration) + each.raw - each.joules for each in known
    )
    return sum(errors) / total


def _usage(measurement: Measurement, used: Difference, overhead: float) -> None:
    duration = measurement.duration_seconds
    measurement.raw_cpu_seconds = used.cpu_seconds
    measurement.cpu_seconds = max(0.0, used.cpu_seconds - overhead)
    measurement.cpu_percent = 100 * measurement.cpu_seconds / duration if duration > 0 else None
    measurement.network_bytes = used.network_bytes
    measurement.disk_bytes = used.disk_bytes


def _attribute(measurement: Measurement, used: Difference, others: OthersUse) -> None:
    """The machine's clock of idle time ticks a hundred times a second: what is certain bounds what it says."""
    together = None if others.cpu_seconds is None else used.cpu_seconds + others.cpu_seconds
    certain = (used.cpu_seconds, together or 0.0, *(seconds or 0.0 for _, seconds in others.by_name))
    busy = None
    if used.busy_seconds is not None:
        busy = max(*certain, min(CPUS * measurement.raw_duration_seconds, used.busy_seconds))
    energy = None
    if measurement.energy_joules is not None:
        energy = sum(joules for name, joules in measurement.components.items() if name in _OF_THE_CPU)
    measurement.cpu_share_ratio, measurement.attributed_energy_joules = _share(used.cpu_seconds, busy, energy)
    measurement.others = tuple(OtherUse(name, each, *_share(each, busy, energy)) for name, each in others.by_name)
    measurement.attributed_with_others_joules = _share(together, busy, energy)[1] if others.by_name else None


def _share(seconds: float | None, busy: float | None, energy: float | None) -> tuple[float | None, float | None]:
    """The share of CPU seconds in the busy ones, and joules of that share; None is what is not known."""
    if seconds is None or not busy:
        return None, None
    ratio = seconds / busy
    return ratio, None if energy is None else energy * ratio


def _memory(measurement: Measurement, before: Usage, after: Usage, peak: int | None) -> None:
    """The most that is known of: the process's own high-water mark counts where it rose meanwhile."""
    measurement.memory_bytes = measurement.memory_change_bytes = None
    earlier, later = before.memory_bytes, after.memory_bytes
    if earlier is None or later is None:
        return
    risen = after.memory_high_bytes if after.memory_high_bytes > before.memory_high_bytes else 0
    if most := max(earlier, later, peak or 0, risen):  # else nobody looked while there was a process
        measurement.memory_bytes, measurement.memory_change_bytes = most, later - earlier


def _disagreements(setup: Setup, seen: Seen) -> tuple[Disagreement, ...]:
    if seen.first is None or seen.last is None:
        return ()
    meters = (*setup.counted, *setup.others)
    grown = [growth(*each) for each in zip(seen.first, seen.last, (meter.max_watts for meter in meters), strict=True)]
    return tuple(compare(setup.counted, setup.others, grown))

"""All meters and the process at one moment, and what lies between two of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from collector_core.errors import describe
from collector_core.measure.usage import ProcessTree, Usage
from collector_core.metering.meters import EnergyMeter, EnergyReading
from collector_core.model.clock import Clock
from collector_core.model.counters import SHORTEST_ALLOWANCE_SECONDS
from collector_core.model.power_integral import MOST_WATTS
from collector_core.model.quantities import quantity

ATTEMPTS = 3
PAUSE_SECONDS = 0.001

Outcome = EnergyReading | str | None
"""What a meter says: its reading, None while it knows none, or in words why it cannot be read."""


class Moment(NamedTuple):
    """What was read; `time` in monotonic seconds."""

    time: float
    outcomes: tuple[Outcome, ...]
    usage: Usage


class Growth(NamedTuple):
    """What one meter counted between two moments: joules over seconds, or why that is not known."""

    joules: float = 0.0
    seconds: float = 0.0
    problem: str = ""


def before(meters: Sequence[EnergyMeter], tree: ProcessTree, clock: Clock) -> Moment:
    """The moment before a piece of work: the time comes last."""
    usage = tree.read()
    outcomes = read_all(meters)
    return Moment(clock.monotonic(), outcomes, usage)


def after(meters: Sequence[EnergyMeter], tree: ProcessTree, clock: Clock) -> Moment:
    """The moment after a piece of work: the time comes first."""
    now = clock.monotonic()
    outcomes = read_all(meters)
    return Moment(now, outcomes, tree.read())


def read_all(meters: Sequence[EnergyMeter]) -> tuple[Outcome, ...]:
    """Every meter now; one that fails costs no other."""
    return tuple([_read(meter) for meter in meters])


def growth(earlier: Outcome, later: Outcome, most_watts: float = MOST_WATTS) -> Growth:
    """What a meter counted from one reading to a later one; more than `most_watts` allow is not believed."""
    for outcome in (earlier, later):
        if not isinstance(outcome, EnergyReading):
            return Growth(problem=outcome or "has no energy reading yet")
    assert isinstance(earlier, EnergyReading)  # noqa: S101 - seen above
    assert isinstance(later, EnergyReading)  # noqa: S101
    joules, seconds = later.joules - earlier.joules, later.time - earlier.time
    if later.unknown_gaps != earlier.unknown_gaps:
        return Growth(problem="its energy was unknown for some of the time")
    if joules < 0:
        return Growth(problem="was reset during the measurement")
    if joules == 0:
        return Growth(seconds=seconds, problem=f"did not advance in {seconds:.3g} s")
    if joules > most_watts * max(seconds, SHORTEST_ALLOWANCE_SECONDS):
        problem = f"rose by {quantity(joules, 'J')} in {seconds:.3g} s, and the device draws {most_watts:.6g} W at most"
        return Growth(problem=problem)
    return Growth(joules, seconds)


def _read(meter: EnergyMeter) -> Outcome:
    """A reading that fails is tried again: a driver that was just busy costs a whole measurement otherwise."""
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            return meter.read()
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            if not attempts_left:
                return describe(error)
            time.sleep(PAUSE_SECONDS)
    return None

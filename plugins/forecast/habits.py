"""What the past of a battery says about it: how much of its charge a load takes, and how low it ever goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor

from collector_core import History, Selector
from collector_plugins.forecast.past import combine, query_steps
from collector_plugins.forecast.past_days import STEP, PastDays
from collector_plugins.forecast.specs import Spec

DAY = 86_400.0
LEARNT = 15 * DAY
FULL = 0.97
NEAR = 0.02
"""A charge this close to the lowest or the highest says nothing of losses: what is over goes to the grid."""
ENOUGH = 1.0
"""How often the capacity must have been taken out before a share is believed."""
POSSIBLE = (0.5, 2.0)
LOWEST_STEPS = 8
AT_LOWEST = 0.005
HIGHEST_RESERVE = 0.6


@dataclass(frozen=True)
class Habits:
    """`drawn` joules leave the battery for each that load takes beyond solar power, `kept` stay of each beyond the
    load; it goes no lower than `reserve`, 0 to 1. `days` are what it fed, where that is known.
    """

    drawn: float = 1.0
    kept: float = 1.0
    reserve: float = 0.0
    days: PastDays | None = None


@dataclass(frozen=True)
class Watched:
    """A battery as the history has it: its charge, what it holds when full (joules), what it feeds, what charges it."""

    name: str
    charge: Selector
    capacity: float
    load: Spec
    solar: Spec | None


def read_habits(history: History, battery: Watched, now: float) -> Habits:
    """Learn from two weeks and a day; raises `HistoryUnavailable`."""
    steps = int(LEARNT / STEP)
    end = floor(now / STEP) * STEP
    start = end - steps * STEP

    def read(selector: Selector, kind: str) -> list[float | None]:
        return combine(query_steps(history, selector, start, end, STEP)[0], kind, start, STEP, steps)

    loads = read(battery.load.selector, battery.load.kind)
    suns = read(battery.solar.selector, battery.solar.kind) if battery.solar else [0.0] * steps
    nets = [None if load is None or sun is None else load - sun for load, sun in zip(loads, suns, strict=True)]
    learnt = learn_habits(read(battery.charge, "mean"), nets, battery.capacity)
    return replace(learnt, days=PastDays(end, loads, suns))


def learn_habits(charges: Sequence[float | None], nets: Sequence[float | None], capacity: float) -> Habits:
    """From means over each `STEP`: of the charge, 0 to 1, and of load less solar power, in watts."""
    pairs = [_pair(*each) for each in zip(charges, nets, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return Habits()
    reserve = _reserve(known)
    taken = given = filled = left = 0.0
    for before, after in pairwise(pairs):
        if before is None or after is None:
            continue
        (charge, net), (later, next_net) = before, after
        joules = (net + next_net) / 2 * STEP
        if net > 0 and next_net > 0 and min(charge, later) > reserve + NEAR and max(charge, later) < FULL:
            taken, given = taken + (charge - later) * capacity, given + joules
        elif net < 0 and next_net < 0 and max(charge, later) < FULL:
            filled, left = filled + (later - charge) * capacity, left - joules
    return Habits(_share(taken, given, capacity), _share(filled, left, capacity), reserve)


def _pair(charge: float | None, net: float | None) -> tuple[float, float] | None:
    return None if charge is None or net is None else (charge, net)


def _share(charge: float, energy: float, capacity: float) -> float:
    """What of each joule becomes of the charge; 1 where too little was seen, or what cannot be."""
    low, high = POSSIBLE
    return charge / energy if energy >= ENOUGH * capacity and low <= charge / energy <= high else 1.0


def _reserve(known: Sequence[tuple[float, float]]) -> float:
    """The lowest charge, if the battery stays there although the load takes more than the sun gives."""
    lowest = min(charge for charge, _ in known)
    staying = sum(net > 0 and charge <= lowest + AT_LOWEST for charge, net in known)
    return lowest if staying >= LOWEST_STEPS and lowest <= HIGHEST_RESERVE else 0.0

"""Batteries: a state that follows from what was before, and is still the same for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Generic, TypeVar

FlowT = TypeVar("FlowT")

STEP = 300.0  # seconds
LOOK_BACK = 4 * 288  # steps, four days

# From the time and the joules in store: what flows within the step that begins then, and its watts into the store.
Step = Callable[[float, float], tuple[FlowT, float]]


class Trajectory(Generic[FlowT]):
    """Follows a store of energy in steps of five minutes, in which all power is constant.

    It begins four days back, half full. A battery forgets: whenever it is full or empty, all ways to there are one. A
    store that is neither in four days would jump a little where another look-back begins; those of the demo are.
    """

    def __init__(self, capacity_joules: float, step: Step[FlowT]) -> None:
        self._capacity = capacity_joules
        self._step = step
        self._number: int | None = None
        self._stored = 0.0
        self._flow: tuple[FlowT, float] | None = None

    def at(self, when: float) -> tuple[FlowT, float]:
        """What flows at a time (seconds since 1970), and the joules that are stored then."""
        wanted = floor(when / STEP)
        number = self._number
        if number is None or self._flow is None or not number <= wanted <= number + LOOK_BACK:
            number = wanted - LOOK_BACK
            self._stored = self._capacity / 2
            self._flow = self._step(number * STEP, self._stored)
        while number < wanted:
            self._stored += self._flow[1] * STEP
            number += 1
            self._flow = self._step(number * STEP, self._stored)
        self._number = number
        flow, watts = self._flow
        return flow, self._stored + watts * (when - number * STEP)

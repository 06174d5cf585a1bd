"""What a component draws with nothing to do, learnt from its power at the loads that come by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

_BUCKETS = 20
_WIDEST_WEIGHT = 600.0  # seconds: what is older counts less and less
_LEAST_SPREAD = 0.15  # of load, from which on a line says more than the lowest point


class IdlePower:
    """Means of power by load, in steps of 5 % of the machine, and what they say of no load at all.

    Where loads differ enough, it is where a straight line through the means meets no load, between 0 and the lowest
    mean. Else it is the power at the lowest load less the part of it that was busy: a guess that is right at both ends.
    """

    def __init__(self) -> None:
        self._watts: dict[int, tuple[float, float, float]] = {}  # seconds, mean load and mean watts by bucket

    def record(self, watts: float, load: float, seconds: float) -> None:
        """The component drew `watts` for `seconds`, in which `load` (0 to 1) of the machine was busy."""
        if not (isfinite(watts) and watts >= 0 and 0 <= load <= 1 and seconds > 0):
            return
        bucket = min(_BUCKETS - 1, int(load * _BUCKETS))
        weight, mean_load, mean_watts = self._watts.get(bucket, (0.0, 0.0, 0.0))
        weight = min(weight + seconds, _WIDEST_WEIGHT)
        part = min(1.0, seconds / weight)
        self._watts[bucket] = weight, mean_load + (load - mean_load) * part, mean_watts + (watts - mean_watts) * part

    @property
    def watts(self) -> float:
        """The idle power; 0 while nothing is known."""
        if not self._watts:
            return 0.0
        points = [self._watts[bucket] for bucket in sorted(self._watts)]
        lowest = min(watts for _, _, watts in points)
        if points[-1][1] - points[0][1] >= _LEAST_SPREAD:
            return max(0.0, min(lowest, _intercept(points)))
        return points[0][2] * (1 - points[0][1])

    def state(self) -> dict[str, list[float]]:
        """What is known, for JSON."""
        return {str(bucket): list(point) for bucket, point in self._watts.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; raises `ValueError` or `TypeError` for anything else."""
        for bucket, (weight, load, watts) in state.items():
            if not (0 < weight <= _WIDEST_WEIGHT and 0 <= load <= 1 and isfinite(watts) and watts >= 0):
                raise ValueError("a point of the idle power is out of range")
            self._watts[int(bucket)] = float(weight), float(load), float(watts)


def _intercept(points: Sequence[tuple[float, float, float]]) -> float:
    """Where the least-squares line through points of weight, load and watts has no load."""
    total = sum(weight for weight, _, _ in points)
    load = sum(weight * each for weight, each, _ in points) / total
    watts = sum(weight * each for weight, _, each in points) / total
    spread = sum(weight * (each - load) ** 2 for weight, each, _ in points)
    slope = sum(weight * (x - load) * (y - watts) for weight, x, y in points) / spread
    return watts - slope * load

"""What a guest's load adds beside a neighbour's, compared with what it adds to an idle host: cinergy's ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector_core.calibration import load_levels

GUEST_STEPS = 3


class Pair(NamedTuple):
    """Numbers of busy CPUs: a guest's load, and a neighbour's."""

    guest: int
    neighbour: int


def pairs(cpus: int) -> Sequence[Pair]:
    """A neighbour that keeps half of the CPUs busy, and guests of several loads on the others; none for one CPU."""
    neighbour = cpus // 2
    return [Pair(guest, neighbour) for guest in load_levels(cpus - neighbour, GUEST_STEPS) if guest and neighbour]


def levels(cpus: int) -> set[int]:
    """Numbers of busy CPUs at which the host's power must be known."""
    return {0} | {level for guest, neighbour in pairs(cpus) for level in (guest, neighbour, guest + neighbour)}


def measured_ratio(watts: Mapping[int, float], cpus: int) -> float:
    """The share, 0 to 1, by the host's watts at each of `levels`; raises `ValueError` where the load adds nothing."""
    alone = sum(watts[guest] - watts[0] for guest, _ in pairs(cpus))
    beside = sum(watts[guest + neighbour] - watts[neighbour] for guest, neighbour in pairs(cpus))
    if alone <= 0:
        raise ValueError("the host's power does not increase with load, so that there is no ratio")
    return min(1.0, max(0.0, beside / alone))

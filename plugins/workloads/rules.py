"""The rule: how the joules of a component are split among workloads, idling and what belongs to nobody.

1. Idle joules are those that the component would have drawn with nothing to do: its idle power × time, at most what was
   measured. The rest is dynamic.
2. Dynamic joules are handed out by use: of CPU time for processors and the machine as a whole, of memory for `dram`.
   The whole of use is what the machine did, so that use by no workload (threads of the kernel, interrupts) is
   `unattributed`, and not spread over the others. Where nobody used anything, all of it is.
3. Idle joules stay apart (`separate`), are handed out as the dynamic ones (`by_use`), or to those that reserved CPUs
   (`by_reservation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from collector_plugins.workloads.cpu_use import Weights
from collector_plugins.workloads.paths import Workload


class IdleRule(StrEnum):
    """Who bears what the machine draws with nothing to do."""

    SEPARATE = "separate"
    BY_USE = "by_use"
    BY_RESERVATION = "by_reservation"


class Split(NamedTuple):
    """Joules that add up to what was measured."""

    by_workload: Mapping[Workload, float]
    idle: float
    unattributed: float


def split_energy(joules: float, idle: float, weights: Weights) -> Split:
    """Hand out `joules`, of which `idle` (at most all of them) stay apart."""
    dynamic = joules - idle
    total = weights.total
    if not total > 0:
        return Split({}, idle, dynamic)
    by_workload = {workload: dynamic * weight / total for workload, weight in weights.by_workload.items()}
    return Split(by_workload, idle, max(0.0, dynamic - sum(by_workload.values())) if weights.rest else 0.0)


def hand_out_reserved(split: Split, reserved: Mapping[Workload, float]) -> Split:
    """Hand idle joules to those that reserved a ratio of the machine; of more than all of it each gets its part."""
    scale = max(1.0, sum(reserved.values()))
    by_workload = dict(split.by_workload)
    handed_out = 0.0
    for workload, ratio in reserved.items():
        joules = split.idle * ratio / scale
        handed_out += joules
        by_workload[workload] = by_workload.get(workload, 0.0) + joules
    return Split(by_workload, max(0.0, split.idle - handed_out), split.unattributed)

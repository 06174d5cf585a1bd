"""Who used the CPUs, or a GPU, in which part: what of it is not handed out yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collector_plugins.workloads.paths import OTHER, Workload

_MOST_SECONDS = 600.0  # of a component that nobody meters: what was used longer ago is forgotten
_ROUNDING = 1e-9  # seconds: what differences of sums leave, a thousandth of the kernel's steps


class Weights(NamedTuple):
    """What a sum is handed out by: a share for each workload, and what belongs to none; from 0 on."""

    by_workload: Mapping[Workload, float]
    rest: float

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.by_workload.values()) + self.rest


class CpuUse:
    """CPU seconds since joules were last handed out.

    Groups are read one after the other, so that what a group used and what those below it used differ a little: now and
    then a workload has used less than nothing. Such a debt is kept and taken from what the workload uses next; if it
    were cut off, the same CPU time would count twice. What all groups used together may in the same way exceed what the
    CPUs did, whose counter has steps of 10 ms.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.busy = 0.0
        self._by_workload: dict[Workload, float] = {}
        self._rest = 0.0

    def record(self, seconds: float, busy: float, grown: Mapping[Workload, float], *, is_metered: bool = False) -> None:
        """`seconds` passed, in which the CPUs were busy for `busy` seconds and workloads used what `grown` says.

        Of a component that is metered, nothing is forgotten however late its joules come; what has ended long before is
        then what `OTHER` did.
        """
        if self.seconds > _MOST_SECONDS and is_metered:
            for workload in self._by_workload.keys() - grown.keys():
                self.forget(workload)
        elif self.seconds > _MOST_SECONDS:
            self._by_workload, self._rest, self.seconds, self.busy = {}, 0.0, 0.0, 0.0
        self.seconds += seconds
        self.busy += busy
        self._rest += busy - sum(grown.values())
        for workload, used in grown.items():
            if used:
                self._by_workload[workload] = self._by_workload.get(workload, 0.0) + used

    def take(self) -> Weights:
        """What to hand out by, of all since the last time; debts stay."""
        used = {workload: seconds for workload, seconds in self._by_workload.items() if seconds > _ROUNDING}
        weights = Weights(used, max(0.0, self._rest))
        self._by_workload = {
            workload: seconds for workload, seconds in self._by_workload.items() if seconds <= _ROUNDING
        }
        self._rest = max(min(0.0, self._rest), -self.busy)
        self.seconds = self.busy = 0.0
        return weights

    def forget(self, workload: Workload) -> None:
        """A workload has ended for good; what is left of its use is what `OTHER` did."""
        if left := self._by_workload.pop(workload, 0.0):
            self._by_workload[OTHER] = self._by_workload.get(OTHER, 0.0) + left

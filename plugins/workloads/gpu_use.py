"""Which workloads kept which GPU busy, where its driver tells that of processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from collector_core import Component, EnergyMeter
from collector_plugins.workloads.drm_clients import DrmClients
from collector_plugins.workloads.paths import Workload

_PCI_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


class Busy(NamedTuple):
    """Seconds for which a GPU was kept busy: by all, and by each workload."""

    seconds: float
    by_workload: Mapping[Workload, float]


class GpuUse:
    """By GPU, as the energy ledger calls them; `owner_of` gives the workload of a pid, None where none has it.

    Meters tell it (`busy_by_process`), and the kernel of those that are called by an address on the PCI bus.
    """

    def __init__(self, proc: Path, owner_of: Callable[[str], Workload | None]) -> None:
        self._owner_of = owner_of
        self._drm = DrmClients(proc)
        self._before: dict[str, Mapping[int, float]] = {}
        self._owners: dict[str, Workload | None] = {}

    def read(self, meters: Iterable[EnergyMeter], elapsed: float) -> dict[str, Busy]:
        """What happened in the `elapsed` seconds since the last look; a GPU that nobody tells of is not in it."""
        gpus = [meter for meter in meters if meter.component == Component.GPU]
        told = self._drm.read(elapsed) if any(_PCI_ADDRESS.fullmatch(meter.device) for meter in gpus) else {}
        used = {meter.device: told[meter.device] for meter in gpus if meter.device in told}
        for meter in gpus:
            if (busy := meter.busy_by_process()) is not None:
                used[meter.device] = self._grown(meter.device, busy)
        pids = {pid for by_pid in used.values() for pid in by_pid}
        self._owners = {pid: self._owner_of(pid) or self._owners.get(pid) for pid in pids}
        return {device: self._by_workload(by_pid) for device, by_pid in used.items()}

    def _grown(self, device: str, busy: Mapping[int, float]) -> dict[str, float]:
        """What is new since the last look; at the first one nothing is."""
        before = self._before.get(device, busy)
        self._before[device] = dict(busy)
        grown = {pid: seconds - before.get(pid, 0.0) for pid, seconds in busy.items()}
        return {str(pid): seconds if seconds >= 0 else busy[pid] for pid, seconds in grown.items()}

    def _by_workload(self, by_pid: Mapping[str, float]) -> Busy:
        found: dict[Workload, float] = {}
        for pid, seconds in by_pid.items():
            if owner := self._owners[pid]:
                found[owner] = found.get(owner, 0.0) + seconds
        return Busy(sum(by_pid.values()), found)

"""The machine: its CPUs, control groups, memory and reservations, as far as workloads concern them."""

from __future__ import annotations

from collector_core import Context, NotAvailable
from collector_plugins.workloads.cpus import Cpus
from collector_plugins.workloads.group_tree import GroupTree, find_tree
from collector_plugins.workloads.memory_use import MemoryUse
from collector_plugins.workloads.paths import Workload
from collector_plugins.workloads.reservations import Reservations


class Machine:
    """What is below the configured root; raises `NotAvailable` where there are no control groups."""

    def __init__(self, ctx: Context) -> None:
        proc, sys = ctx.path("/proc"), ctx.path("/sys")
        hierarchy = find_tree(sys)
        if hierarchy is None:
            raise NotAvailable(
                "not_found", f"no control groups that count CPU time below {sys}", fix="mount the host's /sys"
            )
        self.cpus = Cpus(proc)
        self.groups = GroupTree(hierarchy)
        self.memory = MemoryUse(self.groups, proc, sys)
        self.reservations = Reservations(self.groups, sys)

    def read_use(self) -> tuple[float, dict[Workload, float]]:
        """CPU seconds of the machine since the last look, and of each workload that is there."""
        busy = self.cpus.busy_seconds()
        return busy, self.groups.read(busy)

    def close(self) -> None:
        """Let go of every file."""
        self.cpus.close()
        self.groups.close()

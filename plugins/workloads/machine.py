"""The machine: its CPUs, control groups, memory and reservations, as far as workloads concern them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from collector_core import Context, NotAvailable
from collector_core.procfs import list_cgroup_trees
from collector_plugins.workloads.chooser import ProcessChooser
from collector_plugins.workloads.config import Group
from collector_plugins.workloads.cpu_use import Weights
from collector_plugins.workloads.cpus import Cpus
from collector_plugins.workloads.gpu_use import GpuUse
from collector_plugins.workloads.group_tree import GroupTree, find_tree
from collector_plugins.workloads.job_users import JobUsers
from collector_plugins.workloads.memory_use import MemoryUse
from collector_plugins.workloads.names import Identity
from collector_plugins.workloads.paths import Workload, WorkloadKind
from collector_plugins.workloads.processes import Processes
from collector_plugins.workloads.reservations import Reservations


class Machine:
    """What is below the configured root; raises `NotAvailable` where there are no control groups."""

    def __init__(self, ctx: Context, groups: Sequence[Group] = ()) -> None:
        proc, sys = ctx.path("/proc"), ctx.path("/sys")
        hierarchy = find_tree(sys)
        if hierarchy is None:
            raise NotAvailable(
                "not_found", f"no control groups that count CPU time below {sys}", fix="mount the host's /sys"
            )
        self.cpus = Cpus(proc)
        self.groups = GroupTree(hierarchy)
        self._sys = sys
        self._chooser = ProcessChooser(groups, proc)
        self.processes = Processes(proc, hierarchy, self._chooser)
        self.gpus = GpuUse(proc, self.processes.owner_of)
        self._job_users = JobUsers(self.groups, proc)
        self._memory = MemoryUse(self.groups, proc, sys)
        self.reservations = Reservations(self.groups, sys)

    def identities(self) -> dict[Workload, Identity]:
        """What the machine itself says beyond paths: names of guests, and users of Slurm jobs."""
        guests = {guest: Identity(name=name) for guest, name in self._chooser.guest_names.items()}
        return guests | self._job_users.identities()

    def running_guests(self, alive: Collection[Workload]) -> list[Workload]:
        """Every guest of `alive`, as often as it runs: processes may have one name, control groups have their own."""
        processes = [each for each in self.processes.workloads if each.kind == WorkloadKind.GUEST]
        return processes + [each for each in alive if each.kind == WorkloadKind.GUEST and each not in processes]

    def is_best_hierarchy(self) -> bool:
        """Whether more containers and units are in no other hierarchy; quick where there is but one."""
        return len(list_cgroup_trees(self._sys)) < 2 or find_tree(self._sys) in (None, self.groups.hierarchy)

    def read_use(self) -> tuple[float, dict[Workload, float]]:
        """CPU seconds of the machine since the last look, and of each workload that is there."""
        busy = self.cpus.busy_seconds()
        grown = self.groups.read(busy)
        self.processes.read()
        for workload, above, seconds, _ in self.processes.carved:
            _move(grown, workload, above, seconds)
        return busy, grown

    def memory(self) -> Weights:
        """Bytes by workload and of nobody; raises `OSError` and `ValueError`."""
        used, by_workload = self._memory.read()
        for workload, above, _, resident in self.processes.carved:
            # Pages that processes share are resident in each of them, but charged once.
            _move(by_workload, workload, above, min(resident, by_workload.get(above, 0.0)) if above else resident)
        by_workload = {workload: size for workload, size in by_workload.items() if size > 0}
        return Weights(by_workload, max(0.0, used - sum(by_workload.values())))

    def available_bytes(self) -> int | None:
        """Memory that programs could still get; None where nobody says."""
        return self._memory.available_bytes()

    def close(self) -> None:
        """Let go of every file."""
        self.cpus.close()
        self.processes.close()
        self.groups.close()


def _move(shares: dict[Workload, float], workload: Workload, above: Workload | None, amount: float) -> None:
    """Give a workload an amount that is taken out of another."""
    shares[workload] = shares.get(workload, 0.0) + amount
    if above:
        shares[above] = shares.get(above, 0.0) - amount

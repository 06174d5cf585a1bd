"""Which part of the CPUs workloads reserved: the quota of their control groups."""

from __future__ import annotations

from pathlib import Path

from collector_plugins.workloads.group_tree import Group, GroupTree
from collector_plugins.workloads.paths import Workload


class Reservations:
    """Reads `cpu.max`, or `cpu.cfs_quota_us` and `cpu.cfs_period_us` of version 1, at the groups of each workload."""

    def __init__(self, tree: GroupTree, sys: Path) -> None:
        self._tree = tree
        self._is_v1 = tree.hierarchy.version == 1
        folders = (sys / "fs/cgroup" / name for name in ("cpu", "cpu,cpuacct", "cpuacct,cpu"))
        v1 = next((folder for folder in folders if folder.is_dir()), tree.hierarchy.mount)
        self._mount = v1 if self._is_v1 else tree.hierarchy.mount

    def ratios(self, cpus: int) -> dict[Workload, float]:
        """Quota ÷ period ÷ `cpus` of each workload that has a quota; what a group inside reserved is taken out."""
        ratios: dict[Workload, float] = {}
        for group, above in self._tree.owners():
            if reserved := self._quota(group) / cpus if cpus else 0.0:
                ratios[group.workload] = ratios.get(group.workload, 0.0) + reserved
                if above and above.workload in ratios:
                    ratios[above.workload] -= reserved
        return {workload: ratio for workload, ratio in ratios.items() if ratio > 0}

    def _quota(self, group: Group) -> float:
        """CPUs; 0 where there is no limit, or nothing can be read."""
        folder = self._mount / group.path.lstrip("/")
        try:
            if self._is_v1:
                quota, period = (folder / "cpu.cfs_quota_us").read_text(), (folder / "cpu.cfs_period_us").read_text()
            else:
                quota, period = (folder / "cpu.max").read_text().split()
            return max(0.0, int(quota) / int(period))
        except (OSError, ValueError, ZeroDivisionError):
            return 0.0

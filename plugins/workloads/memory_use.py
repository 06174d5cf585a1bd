"""Which workload has how much memory."""

from __future__ import annotations

import os
from pathlib import Path

from collector_plugins.workloads.cpu_use import Weights
from collector_plugins.workloads.group_tree import Group, GroupTree
from collector_plugins.workloads.paths import Workload

_MEMINFO_BYTES = 8192
_STAT_BYTES = 16384


class MemoryUse:
    """Reads the memory of every workload's groups: what is charged to them without file pages not used lately."""

    def __init__(self, tree: GroupTree, proc: Path, sys: Path) -> None:
        self._tree = tree
        self._meminfo = str(proc / "meminfo")
        v1 = sys / "fs/cgroup/memory"
        is_v1 = tree.hierarchy.version == 1 or (v1 / "memory.usage_in_bytes").exists()
        self._mount = str(v1 if is_v1 else tree.hierarchy.mount)
        self._usage, self._inactive = (
            ("memory.usage_in_bytes", b"total_inactive_file") if is_v1 else ("memory.current", b"inactive_file")
        )

    def weights(self) -> Weights:
        """Bytes by workload and of nobody: together what the machine uses. Raises `OSError` and `ValueError`."""
        used = _used_bytes(_read(self._meminfo, _MEMINFO_BYTES))
        by_workload: dict[Workload, float] = {}
        for group, above in self._tree.owners():
            size = self._bytes_of(group)
            by_workload[group.workload] = by_workload.get(group.workload, 0.0) + size
            if above:
                by_workload[above.workload] = by_workload.get(above.workload, 0.0) - size
        by_workload = {workload: size for workload, size in by_workload.items() if size > 0}
        return Weights(by_workload, max(0.0, used - sum(by_workload.values())))

    def _bytes_of(self, group: Group) -> float:
        """0 where nothing is known: the controller may be off for this group, and its memory is the parent's."""
        folder = self._mount + group.path
        try:
            usage = int(_read(f"{folder}/{self._usage}", 64))
            return max(0, usage - _field(_read(f"{folder}/memory.stat", _STAT_BYTES), self._inactive))
        except (OSError, ValueError):
            return 0.0


def _used_bytes(meminfo: bytes) -> int:
    """/proc/meminfo: MemTotal − MemAvailable."""
    kilobytes = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(b":")
        if name in (b"MemTotal", b"MemAvailable"):
            kilobytes[name] = int(rest.split()[0])
    try:
        return (kilobytes[b"MemTotal"] - kilobytes[b"MemAvailable"]) << 10
    except KeyError as error:
        raise ValueError("/proc/meminfo does not say how much memory is available") from error


def _field(stat: bytes, name: bytes) -> int:
    for line in stat.splitlines():
        key, _, value = line.partition(b" ")
        if key == name:
            return int(value)
    return 0


def _read(file: str, size: int) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)

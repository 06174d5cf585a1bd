"""Which workload has how much memory."""

from __future__ import annotations

from pathlib import Path

from collector_core.procfs import read_file
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

    def read(self) -> tuple[int, dict[Workload, float]]:
        """Bytes that the machine uses, and those of each workload; raises `OSError` and `ValueError`."""
        total, available = self._meminfo_bytes()
        by_workload: dict[Workload, float] = {}
        for group, above in self._tree.owners():
            size = self._bytes_of(group)
            by_workload[group.workload] = by_workload.get(group.workload, 0.0) + size
            if above:
                by_workload[above.workload] = by_workload.get(above.workload, 0.0) - size
        return total - available, by_workload

    def available_bytes(self) -> int | None:
        """Memory that programs could still get; None where nobody says."""
        try:
            return self._meminfo_bytes()[1]
        except (OSError, ValueError):
            return None

    def _meminfo_bytes(self) -> tuple[int, int]:
        return _total_and_available(read_file(self._meminfo, _MEMINFO_BYTES))

    def _bytes_of(self, group: Group) -> float:
        """0 where nothing is known: the controller may be off for this group, and its memory is the parent's."""
        folder = self._mount + group.path
        try:
            usage = int(read_file(f"{folder}/{self._usage}", 64))
            return max(0, usage - _field(read_file(f"{folder}/memory.stat", _STAT_BYTES), self._inactive))
        except (OSError, ValueError):
            return 0.0


def _total_and_available(meminfo: bytes) -> tuple[int, int]:
    """/proc/meminfo: MemTotal and MemAvailable, in bytes."""
    kilobytes = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(b":")
        if name in (b"MemTotal", b"MemAvailable"):
            kilobytes[name] = int(rest.split()[0])
    try:
        return kilobytes[b"MemTotal"] << 10, kilobytes[b"MemAvailable"] << 10
    except KeyError as error:
        raise ValueError("/proc/meminfo does not say how much memory is available") from error


def _field(stat: bytes, name: bytes) -> int:
    for line in stat.splitlines():
        key, _, value = line.partition(b" ")
        if key == name:
            return int(value)
    return 0

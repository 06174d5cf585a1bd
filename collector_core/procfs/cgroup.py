"""Control groups: which one a process is in, and how much CPU time a group has used.

Formats: cgroups(7), and the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpuacct.rst.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_MOUNT = Path("fs/cgroup")
_V1_FOLDERS = ("cpuacct", "cpu,cpuacct", "cpuacct,cpu")
_V1_CONTROLLER = b"cpuacct"
_V2_FOLDERS = ("", "unified")  # the second beside version 1, in systemd's hybrid layout
_DELETED = b" (deleted)"  # what the kernel adds to the name of a group that is gone


class CgroupTree(NamedTuple):
    """The hierarchy of control groups that counts CPU time, as it is mounted at `mount`."""

    mount: Path
    version: int

    def group_of(self, cgroup: bytes) -> str | None:
        """/proc/PID/cgroup: the group that the process is in, such as `/system.slice/cron.service`.

        None where it is in none of this hierarchy. A process outside of our own cgroup namespace is in `/../…`.
        """
        for line in cgroup.split(b"\n"):
            number, _, rest = line.partition(b":")
            controllers, colon, group = rest.partition(b":")
            is_ours = number == b"0" if self.version == 2 else _V1_CONTROLLER in controllers.split(b",")
            if colon and is_ours:
                return os.fsdecode(group.removesuffix(_DELETED))
        return None

    @property
    def usage_file(self) -> str:
        """The file in each group's folder that tells its CPU time."""
        return "cpu.stat" if self.version == 2 else "cpuacct.usage"

    def parse_usage(self, content: bytes) -> float:
        """What `usage_file` says, in seconds; raises `ValueError`."""
        return _usage_usec(content) / 1e6 if self.version == 2 else _counter(content) / 1e9

    def cpu_seconds(self, group: str) -> float:
        """CPU time of all processes that are or were in a group or below it, since it was made.

        Raises `OSError` where there is no such group, and `ValueError`.
        """
        if ".." in group.split("/"):
            raise ValueError(f"control group {group} is outside of our own namespace")
        return self.parse_usage((self.mount / group.lstrip("/") / self.usage_file).read_bytes())


def find_cgroups(sys: Path) -> CgroupTree | None:
    """The hierarchy below a `/sys` that counts CPU time; where both versions are mounted, version 1 is the used one."""
    return next(iter(list_cgroup_trees(sys)), None)


def list_cgroup_trees(sys: Path) -> list[CgroupTree]:
    """All hierarchies below a `/sys` that count CPU time: version 1 first, in systemd's hybrid layout both."""
    mount = sys / _MOUNT
    v1 = [CgroupTree(mount / name, 1) for name in _V1_FOLDERS if (mount / name / "cpuacct.usage").exists()]
    v2 = [CgroupTree(mount / name, 2) for name in _V2_FOLDERS if (mount / name / "cgroup.controllers").exists()]
    return [*v1[:1], *v2[:1]]


def _usage_usec(cpu_stat: bytes) -> int:
    for line in cpu_stat.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"usage_usec":
            return _counter(value)
    raise ValueError("cpu.stat: no usage_usec")


def _counter(text: bytes) -> int:
    """The kernel counts in 64 bits; raises `ValueError`."""
    number = int(text)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"a counter of {len(text)} digits")
    return number

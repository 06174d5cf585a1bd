"""Whose Slurm jobs are: where the path does not say, by the processes in them."""

from __future__ import annotations

import os
from pathlib import Path

from collector_core.procfs import read_file
from collector_plugins.workloads.group_tree import Group, GroupTree
from collector_plugins.workloads.names import Identity
from collector_plugins.workloads.paths import Workload, WorkloadKind

_BYTES = 16384
_ROOT = "0"  # of Slurm's own processes in a job


class JobUsers:
    """Looks at the processes of each job once; again while there is none but root's."""

    def __init__(self, tree: GroupTree, proc: Path) -> None:
        self._tree = tree
        self._proc = str(proc)
        self._known: dict[Workload, Identity] = {}

    def identities(self) -> dict[Workload, Identity]:
        """The users of the jobs that there are, by their numbers."""
        jobs = {
            group.workload: group
            for group, _ in self._tree.owners()
            if group.workload.kind == WorkloadKind.SLURM and not group.workload.uid
        }
        self._known = {job: self._known.get(job) or self._look(group) for job, group in jobs.items()}
        return {job: told for job, told in self._known.items() if told.uid}

    def _look(self, group: Group) -> Identity:
        uids = (self._uid(pid) for folder, _, _ in os.walk(group.folder) for pid in _pids(folder))
        return Identity(uid=next((uid for uid in uids if uid not in ("", _ROOT)), ""))

    def _uid(self, pid: str) -> str:
        """proc_pid_status(5): real, effective, saved and file system's."""
        try:
            status = read_file(f"{self._proc}/{pid}/status", _BYTES)
        except OSError:
            return ""
        line = next((line for line in status.splitlines() if line.startswith(b"Uid:")), b"")
        return line.split()[1].decode() if len(line.split()) > 1 else ""


def _pids(folder: str) -> list[str]:
    try:
        return read_file(f"{folder}/cgroup.procs", _BYTES).decode().split()
    except (OSError, ValueError):
        return []

"""The control groups of the machine: which there are, and how much CPU time each used since the last look."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path

from collector_core.procfs import CgroupTree, KeptFile, is_kernel_mount, list_cgroup_trees
from collector_plugins.workloads.paths import Workload, WorkloadKind, may_hold_others, workload_of

MOST_GROUPS = 20_000  # what is below more stays with the group above
_PATIENT_NAMES = 1024  # bytes of `cpu.stat` that hold its first line


class Group:
    """One control group: its workload, the groups below it that may belong to others, and its CPU time so far."""

    __slots__ = ("children", "file", "folder", "inode", "links", "path", "usage", "workload")

    def __init__(self, path: str, folder: str, inode: int, file: KeptFile) -> None:
        self.path = path
        self.folder = folder
        self.inode = inode
        self.file = file
        self.workload = workload_of(path)
        self.children: dict[str, Group] = {}
        self.links = -1
        self.usage: float | None = None


class GroupTree:
    """Follows one hierarchy of control groups from look to look.

    A group that is new since the last look brings all that it used, unless it is there at the first look. What a
    group used that came and went between two looks is in the time of the group above.
    """

    def __init__(self, tree: CgroupTree) -> None:
        import resource  # noqa: PLC0415 - not on every platform

        self.hierarchy = tree
        self._is_kernels = is_kernel_mount(tree.mount)
        self._file_name = tree.usage_file
        self._root = Group("", str(tree.mount), 0, self._usage_file(str(tree.mount), keep_open=False))
        self._is_first = True
        self._count = 0
        self._descriptors_left = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4
        self._own: dict[Workload, float] = {}

    def read(self, busy_seconds: float) -> dict[Workload, float]:
        """CPU seconds that each workload used since the last look; small negative ones are to be taken back.

        They are negative where a group was read before those below it. `busy_seconds` is what all CPUs did in that
        time: more than that no group can have used that is new. Workloads that used nothing are in it, too.
        """
        self._own = defaultdict(float)
        self._list_children(self._root)
        self._read_below(self._root, busy_seconds)
        self._is_first = False
        return dict(self._own)

    def owners(self) -> Iterator[tuple[Group, Group | None]]:
        """The groups at which a workload begins, each with the one above that another workload is taken out of."""
        for child in self._root.children.values():
            yield child, None
            yield from _owners_below(child, child)

    def close(self) -> None:
        """Let go of every file; the next look opens them again."""
        for group in _all_below(self._root):
            group.file.close()

    def _read_below(self, group: Group, grown: float) -> float:
        """Read the groups below one that used `grown` seconds; returns what they used together."""
        total, is_stale = 0.0, False
        for child in list(group.children.values()):
            try:
                used = self._grow(child, grown)
            except FileNotFoundError:
                is_stale = True
                continue
            below = 0.0
            if may_hold_others(child.path, child.workload):
                self._list_children(child)
                below = self._read_below(child, grown if used is None else used)
            seconds = below if used is None else used
            total += seconds
            self._own[child.workload] += seconds - below
        if is_stale:
            group.links = -1
        return total

    def _grow(self, group: Group, most: float) -> float | None:
        """CPU seconds since the last look; None where nothing was ever told. Raises `FileNotFoundError`."""
        descriptor = group.file.descriptor
        try:
            usage = self.hierarchy.parse_usage(group.file.read(_PATIENT_NAMES))
        except FileNotFoundError:
            raise
        except (OSError, ValueError):
            return None if group.usage is None else 0.0  # the next look takes in what this one missed
        before, group.usage = group.usage, usage
        is_another = self._is_kernels and descriptor not in (None, group.file.descriptor) and self._is_another(group)
        if before is None and self._is_first:
            return 0.0
        if before is None or usage < before or is_another:
            return max(0.0, min(usage, most))
        return usage - before

    def _is_another(self, group: Group) -> bool:
        """Whether a new group has the place of one that is gone."""
        with suppress(OSError):
            inode, group.inode = group.inode, os.stat(group.folder).st_ino  # noqa: PTH116
            return inode != group.inode
        return True

    def _list_children(self, group: Group) -> None:
        """See which groups are below one, unless its number of links says that they are the same."""
        try:
            if self._is_kernels:
                links = os.stat(group.folder).st_nlink  # noqa: PTH116 - many of them, every few seconds
                if links == group.links:
                    return
                group.links = links
            with os.scandir(group.folder) as entries:
                found = {entry.name: entry.inode() for entry in entries if entry.is_dir(follow_symlinks=False)}
        except OSError:
            return
        for name, child in list(group.children.items()):
            if found.get(name) != child.inode:
                self._drop(group.children.pop(name))
        for name in sorted(found.keys() - group.children.keys()):
            if self._count < MOST_GROUPS:
                group.children[name] = self._make(f"{group.path}/{name}", f"{group.folder}/{name}", found[name])

    def _make(self, path: str, folder: str, inode: int) -> Group:
        self._count += 1
        keep_open = self._descriptors_left > 0
        self._descriptors_left -= keep_open
        return Group(path, folder, inode, self._usage_file(folder, keep_open=keep_open))

    def _usage_file(self, folder: str, *, keep_open: bool) -> KeptFile:
        return KeptFile(f"{folder}/{self._file_name}", is_kernels=self._is_kernels, keep_open=keep_open)

    def _drop(self, group: Group) -> None:
        for each in (group, *_all_below(group)):
            each.file.close()
            self._count -= 1
            self._descriptors_left += each.file.keep_open


def find_tree(sys: Path) -> CgroupTree | None:
    """The hierarchy that workloads are in: of two, as in systemd's hybrid layout, that with more containers and units.

    None where there is none that counts CPU time.
    """
    return max(reversed(list_cgroup_trees(sys)), key=_count_workloads, default=None)


def _count_workloads(tree: CgroupTree) -> tuple[int, int]:
    looked = GroupTree(tree)
    try:
        looked.read(inf)
        kinds = [group.workload.kind for group, _ in looked.owners()]
    finally:
        looked.close()
    return sum(
        kind in (WorkloadKind.CONTAINER, WorkloadKind.POD, WorkloadKind.SLURM, WorkloadKind.GUEST) for kind in kinds
    ), len(kinds)


def _owners_below(group: Group, owner: Group) -> Iterator[tuple[Group, Group | None]]:
    for child in group.children.values():
        if child.workload == owner.workload:
            yield from _owners_below(child, owner)
        else:
            yield child, owner
            yield from _owners_below(child, child)


def _all_below(group: Group) -> Iterator[Group]:
    for child in group.children.values():
        yield child
        yield from _all_below(child)

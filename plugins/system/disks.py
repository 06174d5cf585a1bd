"""Which of the kernel's block devices are disks of their own, so that every byte is counted once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from collector_plugins.system.filters import MAX_REMEMBERED, ORDINARY_DISKS_EXCEPT, Filter, Labels, Patterns
from collector_plugins.system.source import Disk

SEARCH_RUNS = 300  # after so many it is decided anew: a name may be another device's, or one that got its folder late

_PARTITION = re.compile(
    r"(?:[shvu]d|xvd|ubd|dasd)[a-z]+\d+"
    r"|(?:nvme\d+(?:c\d+)?n\d+|(?:mmcblk|pmem|nbd|rbd|zd|loop|md|ubiblock)\d+|\w+/c\d+d\d+)p\d+"
)
_PATH = re.compile(r"(nvme\d+)c\d+(n\d+)")  # one way to an NVMe namespace that has several


class Disks:
    """Chooses among block devices: no partitions, no hidden paths, and nothing that is stacked on other disks."""

    def __init__(self, blocks: Path, patterns: Patterns) -> None:
        self._blocks = blocks
        self._filter = Filter(patterns, ORDINARY_DISKS_EXCEPT)
        self.labels = Labels(self._wants)
        """The label of each name that the kernel prints: those chosen, and the paths to them."""
        self._paths: dict[str, _Paths] = {}
        self._runs = 0

    def are_due(self) -> bool:
        """Once for each run: whether the labels are decided anew."""
        self._runs += 1
        is_due = self._runs % SEARCH_RUNS == 0
        if is_due:
            self.labels.clear()
        return is_due

    def choose(self, disks: Mapping[str, Disk | ValueError]) -> dict[str, Disk | ValueError]:
        """The chosen ones. Before Linux 5.15 what goes through several paths is counted in these only."""
        for name, disk in disks.items():
            if (namespace := _namespace(name)) and isinstance(disk, Disk):
                self._paths.setdefault(namespace, _Paths()).record(name, disk)
        return {
            name: self._paths[name].total() if name in self._paths and _has_counted_nothing(disk) else disk
            for name, disk in disks.items()
            if not _namespace(name) or self._is_chosen(name)
        }

    def _wants(self, name: str) -> bool:
        return self._is_chosen(name) or self._is_chosen(_namespace(name))

    def _is_chosen(self, name: str) -> bool:
        ordinary = self._is_whole(name) and not self._is_hidden(name)
        return bool(name) and self._filter.wants(name, ordinary=ordinary, noise=self._is_stacked(name))

    def _is_whole(self, name: str) -> bool:
        """Whether it is not a partition; without /sys/block (some containers), as far as its name tells."""
        if self._blocks.is_dir():
            return self._folder(name).exists()
        return not _PARTITION.fullmatch(name)

    def _is_hidden(self, name: str) -> bool:
        try:
            return (self._folder(name) / "hidden").read_bytes().strip() == b"1"
        except OSError:
            return bool(_namespace(name))

    def _is_stacked(self, name: str) -> bool:
        """Whether its bytes are those of other disks, as of device mapper, RAID and bcache."""
        try:
            return any((self._folder(name) / "slaves").iterdir())
        except OSError:
            return False

    def _folder(self, name: str) -> Path:
        return self._blocks / name.replace("/", "!")


@lru_cache(MAX_REMEMBERED)
def _namespace(path: str) -> str:
    """What a hidden path leads to; "" where the name is not that of a path."""
    match = _PATH.fullmatch(path)
    return match[1] + match[2] if match else ""


def _has_counted_nothing(disk: Disk | ValueError) -> bool:
    return isinstance(disk, Disk) and not any(disk[:4])


class _Paths:
    """What the paths to one namespace have counted; one that is gone has still done so, and a new one begins at 0."""

    def __init__(self) -> None:
        self._latest: dict[str, Disk] = {}
        self._ended: list[Disk] = []

    def record(self, path: str, disk: Disk) -> None:
        before = self._latest.get(path)
        if before and disk.reads + disk.writes < before.reads + before.writes:
            self._ended = [_sum([*self._ended, before])]
        self._latest[path] = disk

    def total(self) -> Disk:
        return _sum([*self._latest.values(), *self._ended])


def _sum(disks: Iterable[Disk]) -> Disk:
    return Disk(*map(_total, zip(*disks, strict=True)))


def _total(values: Iterable[float | None]) -> float:
    return sum(value or 0.0 for value in values)

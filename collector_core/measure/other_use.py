"""What processes use that do work for the measured one: a node, a server, a container."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from collector_core.measure.named_processes import Group, Named, Processes
from collector_core.procfs.processes import ProcessStat, children_of, descendants, parse_process_stat
from collector_core.procfs.stat import CLOCK_TICKS_PER_SECOND


class OthersUse(NamedTuple):
    """CPU seconds of others since they were first looked at.

    `by_name` has each as it was named, None where it cannot be read. `cpu_seconds` is all together, each process once,
    without what is the measured process's own; None where a part is not known. `of_measured` is what those of them
    used that run below the measured process, and so is in its own figure, too.
    """

    by_name: tuple[tuple[str, float | None], ...] = ()
    cpu_seconds: float | None = 0.0
    of_measured: float = 0.0
    problems: tuple[str, ...] = ()


class ProcessSnapshot:
    """Processes at one moment: each is read once, however many ask for it."""

    def __init__(self, proc: Path) -> None:
        self.stat = cache(partial(_stat, proc))
        self.children = cache(lambda pid: tuple(children_of(pid, proc)))


class ProcessSet:
    """CPU time of processes and all below them; that of those which end counts until they were last seen.

    A process that `is_left_out` does not count, and neither does what is below it.
    """

    def __init__(
        self, reading: ProcessSnapshot, pids: Iterable[int], is_left_out: Callable[[int], bool] = lambda _: False
    ) -> None:
        self._is_left_out = is_left_out
        self._known: dict[int, ProcessStat] = {}
        named = frozenset(pids)
        self._known = dict(self._walk(named, reading))
        self._roots = named & self._known.keys()
        self._before = self._ticks()
        self._ended_ticks = 0

    @property
    def cpu_seconds(self) -> float:
        """Since it was made, as of the last look."""
        return max(0, self._ticks() + self._ended_ticks - self._before) / CLOCK_TICKS_PER_SECOND

    @property
    def ended(self) -> list[int]:
        """Those that were named and have ended."""
        return [pid for pid in self._roots if pid not in self._known or self._known[pid].has_ended]

    def look(self, reading: ProcessSnapshot) -> None:
        """Read all of them again."""
        living = dict(self._walk(self._known, reading))
        self._ended_ticks += self._lost(living)
        self._known = living

    def _ticks(self) -> int:
        return sum(map(_total_ticks, self._known.values()))

    def _lost(self, living: dict[int, ProcessStat]) -> int:
        """What those that ended had used and no parent took over: one that waits for a child has its time added."""
        ended: dict[int, int] = defaultdict(int)
        for pid, stat in self._known.items():
            if pid not in living:
                ended[stat.parent] += _total_ticks(stat)
        lost = 0
        for parent, ticks in ended.items():
            taken_over = 0
            if parent in living and parent in self._known:
                taken_over = living[parent].reaped_ticks - self._known[parent].reaped_ticks
            lost += max(0, ticks - taken_over)
        return lost

    def _walk(self, pids: Iterable[int], reading: ProcessSnapshot) -> Iterator[tuple[int, ProcessStat]]:
        waiting, seen = list(pids), set()
        while waiting:
            pid = waiting.pop()
            if pid in seen or self._is_left_out(pid):
                continue
            seen.add(pid)
            stat = reading.stat(pid)
            known = self._known.get(pid, stat)
            if stat and known and known.start == stat.start:  # else the number is another process's now
                yield pid, stat
                waiting += reading.children(pid)


class GroupUse:
    """CPU time of a control group since it was first looked at; that of one which is removed counts until then."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.problem = ""
        self.is_unknown = False
        self._before = self._now = 0.0
        self._has_begun = False
        self.look()

    @property
    def cpu_seconds(self) -> float:
        """Since it was made, as of the last look."""
        return max(0.0, self._now - self._before)

    def look(self) -> None:
        """Read it again."""
        try:
            self._now = self.group.tree.cpu_seconds(self.group.path)
        except PermissionError:
            self.problem = f"control group {self.group.path} may not be read; fix: run as root"
        except (OSError, ValueError):
            self.problem = f"control group {self.group.path} has ended; what it used until then counts"
        else:
            self._before = self._before if self._has_begun else self._now
            self._has_begun = True
        self.is_unknown = not self._has_begun


class Others:
    """Everything that was named for one measurement. `look` may be called on any thread."""

    def __init__(self, named: Sequence[Named], processes: Processes) -> None:
        self._named = named
        self._lock = threading.Lock()
        self._processes = processes
        own, reading = processes.own_pid, ProcessSnapshot(processes.proc)
        self._groups = {group: GroupUse(group) for each in named for group in each.groups}
        self._holds_us = [group for group in self._groups if own is not None and self._is_in(own, [group])]
        self._sets = [ProcessSet(reading, each.pids) for each in named]
        pids = {pid for each in named for pid in each.pids}
        self._all = ProcessSet(reading, pids, lambda pid: pid == own or self._is_in(pid, self._groups))
        self._measured = ProcessSet(reading, self._below_us(own, pids))

    def look(self) -> None:
        """Read everything again."""
        with self._lock:
            reading = ProcessSnapshot(self._processes.proc)
            for processes in (*self._sets, self._all, self._measured):
                processes.look(reading)
            for group in self._groups.values():
                group.look()

    def use(self, measured_cpu_seconds: float) -> OthersUse:
        """As of the last look; `measured_cpu_seconds` is what the measured process and all below it used meanwhile."""
        with self._lock:
            by_name = tuple(self._of(*pair) for pair in zip(self._named, self._sets, strict=True))
            own = max(0.0, measured_cpu_seconds - self._measured.cpu_seconds)
            together = self._all.cpu_seconds + sum(self._of_group(group, own) for group in self._outermost())
            is_whole = all(seconds is not None for _, seconds in by_name)
            problems = tuple(dict.fromkeys(self._problems()))
            return OthersUse(by_name, together if is_whole else None, self._measured.cpu_seconds, problems)

    def _of(self, named: Named, processes: ProcessSet) -> tuple[str, float | None]:
        groups = [self._groups[group] for group in named.groups]
        if named.problem or any(group.is_unknown for group in groups):
            return named.name, None
        return named.name, processes.cpu_seconds + sum(group.cpu_seconds for group in groups)

    def _of_group(self, group: Group, own: float) -> float:
        seconds = self._groups[group].cpu_seconds
        return max(0.0, seconds - own) if group in self._holds_us else seconds

    def _outermost(self) -> Iterator[Group]:
        for group in self._groups:
            if not any(each != group and each.tree == group.tree and each.holds(group.path) for each in self._groups):
                yield group

    def _is_in(self, pid: int, groups: Iterable[Group]) -> bool:
        return any((path := self._processes.group_of(pid, each.tree)) and each.holds(path) for each in groups)

    def _below_us(self, own: int | None, named: Collection[int]) -> list[int]:
        """Those of the others that the measured process has started, directly or not."""
        if own is None:
            return []
        apart = [group for group in self._groups if group not in self._holds_us]
        return [pid for pid in descendants(own, self._processes.proc) if pid in named or self._is_in(pid, apart)]

    def _problems(self) -> Iterator[str]:
        for named, processes in zip(self._named, self._sets, strict=True):
            if named.problem:
                yield named.problem
            for pid in processes.ended:
                known_as = "" if named.name == str(pid) else f" ({named.name})"
                yield f"process {pid}{known_as} ended during the measurement; what it used until then counts"
            yield from (problem for group in named.groups if (problem := self._groups[group].problem))


def _total_ticks(stat: ProcessStat) -> int:
    return stat.cpu_ticks + stat.reaped_ticks


def _stat(proc: Path, pid: int) -> ProcessStat | None:
    with suppress(OSError, ValueError):
        return parse_process_stat((proc / str(pid) / "stat").read_bytes())
    return None

"""Processes as a user names them: by pid, systemd unit, container or program."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.cgroup import CgroupTree, list_cgroup_trees
from collector_core.procfs.processes import parse_process_stat

_UNITS = (".service", ".scope", ".slice", ".socket", ".mount", ".swap")
_ID = re.compile(r"[0-9a-f]{12,64}")
_WHOLE_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_HIDDEN = "its /proc is hidden from this user; fix: run as root, or as a member of the group that `hidepid` exempts"


class UnknownProcessError(ValueError):
    """A name that no process, unit or container has; the message says which."""


class Group(NamedTuple):
    """A control group in its hierarchy; `path` begins with a slash."""

    tree: CgroupTree
    path: str

    def holds(self, path: str) -> bool:
        """Whether another group of the same hierarchy is this one or below it."""
        return f"{path}/".startswith(f"{self.path}/")


class Named(NamedTuple):
    """What has a name: processes, or control groups. `problem` says why it cannot be read, empty where it can."""

    name: str
    pids: tuple[int, ...] = ()
    groups: tuple[Group, ...] = ()
    problem: str = ""


class Processes:
    """Those of the machine below `root`; of the machine that runs us where it holds none, as a tree made by hand."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.proc = root / "proc" if any(_pids(root / "proc")) else Path("/proc")
        self._trees = list_cgroup_trees(root / "sys") or list_cgroup_trees(Path("/sys"))
        self.own_pid = self._own_pid()

    def find(self, name: int | str) -> Named:
        """What a pid, a unit such as `geth.service`, a container's name or id, or a program's name stands for.

        Raises `UnknownProcessError` where it stands for nothing.
        """
        text = str(name)
        if text.isascii() and text.isdecimal():
            found = self._process(text)
        elif text.endswith(_UNITS):
            found = Named(text, groups=self._groups(lambda parts: parts[-1] == text))
        else:
            found = Named(text, groups=self._containers(text))
            found = found if found.groups else Named(text, pids=tuple(self._programs(text)))
        if not (found.pids or found.groups or found.problem):
            raise UnknownProcessError(f"there is no process, unit or container {text!r}")
        return found

    def group_of(self, pid: int, tree: CgroupTree) -> str | None:
        """The control group that a process is in; None where that cannot be known."""
        try:
            return tree.group_of((self.proc / str(pid) / "cgroup").read_bytes())
        except OSError:
            return None

    def _own_pid(self) -> int | None:
        """What this process is called there: the host's /proc knows a container's by another number."""
        try:
            return int((self.proc / "self").readlink().name)
        except (OSError, ValueError):
            return None

    def _process(self, pid: str) -> Named:
        try:
            has_ended = parse_process_stat((self.proc / pid / "stat").read_bytes()).has_ended
        except PermissionError:
            return Named(pid, problem=f"process {pid}: {_HIDDEN}")
        except (OSError, ValueError):
            return Named(pid, problem=f"process {pid}: {_HIDDEN}" if self._is_hidden(int(pid)) else "")
        return Named(pid, pids=() if has_ended else (int(pid),))

    def _is_hidden(self, pid: int) -> bool:
        """Whether the kernel says that there is such a process, but no more."""
        try:
            os.kill(pid, 0)
        except PermissionError:
            return self.proc == Path("/proc")
        except (OSError, OverflowError):
            pass
        return False

    def _programs(self, name: str) -> Iterator[int]:
        """Processes that run a program; the kernel cuts its name, the command line has it whole."""
        for pid in _pids(self.proc) if name else ():
            try:
                stat = (self.proc / pid / "stat").read_bytes()
                argument = (self.proc / pid / "cmdline").read_bytes().split(b"\0", 1)[0]
                has_ended = parse_process_stat(stat).has_ended
            except (OSError, ValueError):
                continue
            names = (stat[stat.index(b"(") + 1 : stat.rindex(b")")], argument.rsplit(b"/", 1)[-1])
            if os.fsencode(name) in names and not has_ended and int(pid) != self.own_pid:
                yield int(pid)

    def _containers(self, name: str) -> tuple[Group, ...]:
        from collector_core.measure.container_ids import container_ids  # noqa: PLC0415 - with a client for HTTP

        ids = [*container_ids(name, self._root), *([name] if _ID.fullmatch(name) else [])]
        escaped = name.replace("-", r"\x2d")
        folders = {f"lxc.payload.{name}", f"systemd-nspawn@{escaped}.service", f"machine-{escaped}.scope"}

        def matches(parts: list[str]) -> bool:
            if parts[-1] in folders or parts[-2:] in (["lxc", name], ["lxc.payload", name]):
                return True
            found = _WHOLE_ID.search(parts[-1])
            return bool(found and found[0].startswith(tuple(ids)))

        return self._groups(matches)

    def _groups(self, matches: Callable[[list[str]], bool]) -> tuple[Group, ...]:
        """The outermost control groups whose path matches, in the first hierarchy that has one."""
        for tree in self._trees:
            if found := tuple(_outermost(tree, matches)):
                return found
        return ()


def _outermost(tree: CgroupTree, matches: Callable[[list[str]], bool]) -> Iterator[Group]:
    for folder, below, _ in os.walk(tree.mount):
        path = folder.removeprefix(str(tree.mount))
        if path and matches(path.split("/")):
            below.clear()
            yield Group(tree, path)


def _pids(proc: Path) -> list[str]:
    try:
        return [name for name in os.listdir(proc) if name.isascii() and name.isdecimal()]  # noqa: PTH208 - names are what is needed
    except OSError:
        return []

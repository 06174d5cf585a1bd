"""Finds the guests among all processes, and notices those that end."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from collector_plugins.qemu import cmdline, procfs
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.proc import Proc
from collector_plugins.qemu.procfs import ENDED

HEAD_BYTES = 4096  # of a command line; holds the name of the program

# A process becomes a guest by exec, after a launcher's fork: new ones are looked at again in the next runs, and all
# others in turn, for launchers that take their time.
YOUNG_RUNS = 5
ALL_RUNS = 30


class Discovery:
    """Knows the guests of the machine from one `update` to the next; `now` gives monotonic seconds."""

    def __init__(self, proc: Proc, now: Callable[[], float]) -> None:
        self.guests: dict[str, Guest] = {}
        self.broken: dict[str, Exception] = {}
        self.denied: set[str] = set()
        self._proc = proc
        self._now = now
        self._others: set[str] = set()
        self._young: deque[list[str]] = deque(maxlen=YOUNG_RUNS)
        self._waiting: list[str] = []
        self._descriptors_left = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4 if proc.is_kernels else 0

    def update(self) -> bool:
        """Read every guest, drop those that have ended and find new ones; returns whether some came or went."""
        names = set(self._proc.names())
        self.broken = {}
        self.denied &= names
        ended = [pid for pid, guest in self.guests.items() if not self._is_alive(guest)]
        for pid in ended:
            self._drop(self.guests.pop(pid))
        for pid in self.broken:  # behind the others, as the series of its return will be
            self.guests[pid] = self.guests.pop(pid)
        found = [guest for pid in self._candidates(names) if (guest := self._examine(pid))]
        for guest in sorted(found, key=lambda guest: (guest.start, int(guest.pid))):
            self.guests[guest.pid] = guest
        self._others = names.difference(self.guests)
        return bool(ended or found)

    def close(self) -> None:
        """Forget all guests."""
        for guest in self.guests.values():
            self._drop(guest)
        self.guests.clear()

    def _is_alive(self, guest: Guest) -> bool:
        """Read a guest; False if its process has ended, or its pid belongs to another process by now."""
        try:
            state, ticks, threads, start = procfs.stat(guest.read_stat())
        except (FileNotFoundError, ProcessLookupError):
            return False
        except (OSError, ValueError) as error:
            guest.cores, guest.growth = None, 0
            self.broken[guest.pid] = error
            return True
        if start != guest.start or state in ENDED:
            return False
        now = self._now()
        guest.account(ticks, now)
        if threads != guest.threads or now >= guest.recount_at:
            guest.recount(self._proc, threads, now)
        return True

    def _candidates(self, names: set[str]) -> Iterator[str]:
        """Processes that may have become guests since they were looked at."""
        new = list(names.difference(self._others, self.guests))
        again = {pid for young in self._young for pid in young}
        if self._others:  # at the start all are new, which does not make them young
            self._young.append(new)
        again.update(self._next_of_all())
        again.intersection_update(names)
        again.difference_update(self.guests, new)
        return filter(str.isdecimal, [*new, *again])

    def _next_of_all(self) -> Iterable[str]:
        if not self._waiting:
            self._waiting = list(self._others)
        share = 1 + len(self._others) // ALL_RUNS
        part, self._waiting = self._waiting[:share], self._waiting[share:]
        return part

    def _examine(self, pid: str) -> Guest | None:
        try:
            return self._describe(pid) if self._is_emulator(pid) else None
        except PermissionError:
            self.denied.add(pid)
        except (OSError, ValueError):
            pass  # it ended meanwhile, or is ending
        return None

    def _is_emulator(self, pid: str) -> bool:
        """By the program that it runs; where that may not be seen, by the name that it was called with."""
        executable = self._proc.executable(pid)
        if executable is None:
            head = self._proc.read(f"{pid}/cmdline", HEAD_BYTES)
            executable = head.partition(b"\0")[0].decode("utf-8", "replace")
        return cmdline.is_emulator(executable)

    def _describe(self, pid: str) -> Guest | None:
        *_, born = procfs.stat(self._proc.stat(pid))
        arguments = cmdline.split(self._proc.read_whole(f"{pid}/cmdline"))
        state, ticks, threads, start = procfs.stat(self._proc.stat(pid))
        if state in ENDED or start != born or arguments == [""]:
            return None
        description = cmdline.describe(arguments, partial(self._proc.guest_config, pid))
        now = self._now()
        guest = Guest(pid, start, self._proc.file(f"{pid}/stat"), description, ticks, now, description.vcpus)
        guest.recount(self._proc, threads, now)
        self._keep_open(guest)
        return guest

    def _keep_open(self, guest: Guest) -> None:
        """Keep a guest's file open, which halves the cost of reading it; as far as descriptors are no scarce thing."""
        if self._descriptors_left > 0:
            guest.descriptor = self._proc.open(f"{guest.pid}/stat")
            self._descriptors_left -= 1

    def _drop(self, guest: Guest) -> None:
        if guest.descriptor is not None:
            guest.close()
            self._descriptors_left += 1

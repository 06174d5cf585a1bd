"""Finds the guests among all processes, and notices those that end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from math import inf

from collector_core.procfs import Turns, parse_process_stat, read_process_stats
from collector_plugins.qemu import cmdline, managers, monitor_api
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.monitors import find_describer
from collector_plugins.qemu.proc import Proc

HEAD_BYTES = 4096  # of a command line; holds the name of the program

# A process becomes a guest by exec, after a launcher's fork: new ones are looked at again in the next runs, and all
# others in turn, for launchers that take their time.
YOUNG_RUNS = 5
ALL_RUNS = 60
ASK_AGAIN_SECONDS = 60.0  # an API that did not answer


class Discovery:
    """Knows the guests of the machine from one `update` to the next; `now` gives monotonic seconds."""

    def __init__(self, proc: Proc, now: Callable[[], float]) -> None:
        import resource  # noqa: PLC0415 - not on every platform

        self.guests: dict[str, Guest] = {}
        self.broken: dict[str, Exception] = {}
        self.denied: set[str] = set()
        self._proc = proc
        self._now = now
        self._listed: list[str] = []
        self._present: set[str] = set()
        self._others: set[str] = set()
        self._young: deque[list[str]] = deque(maxlen=YOUNG_RUNS)
        self._turns = Turns(ALL_RUNS)
        self._ask_at: dict[Guest, float] = {}  # those whose API may know more
        # As far as descriptors are no scarce thing: the web server needs some, too.
        self._descriptors_left = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4

    def update(self) -> bool:
        """Read every guest, drop those that have ended and find new ones; returns whether some came or went."""
        self.broken = {}
        has_changed = self._list()
        ended = [pid for pid in self.guests if pid not in self._present]
        ended += self._read([guest for pid, guest in self.guests.items() if pid in self._present])
        for pid in ended:
            self._drop(self.guests.pop(pid))
        # What has the pid of a guest that ended is new as well.
        new = list(self._present.difference(self._others, self.guests)) if has_changed else ended
        found = [guest for pid in self._candidates(new) if (guest := self._examine(pid))]
        for guest in sorted(found, key=lambda guest: (guest.start, int(guest.pid))):
            self.guests[guest.pid] = guest
        for pid in self.broken:  # behind the others, as the series of its return will be
            self.guests[pid] = self.guests.pop(pid)
        self._name(found)
        has_more = bool(self._ask_at) and self._ask()
        self._others.update(new)
        self._others.difference_update([guest.pid for guest in found])
        return bool(ended or found or has_more)

    def close(self) -> None:
        """Forget all guests."""
        for guest in self.guests.values():
            self._drop(guest)
        self.guests.clear()

    def _read(self, guests: list[Guest]) -> list[str]:
        """Read guests; returns those whose process has ended, or whose pid belongs to another process by now."""
        stats = read_process_stats([guest.stat for guest in guests], is_kernels=self._proc.is_kernels)
        are_alive = stats.are_of([guest.start for guest in guests])
        now = self._now()
        ended = []
        for guest, is_alive, ticks, threads in zip(guests, are_alive, stats.cpu_ticks, stats.threads, strict=True):
            if not is_alive:
                ended.append(guest.pid)
                continue
            guest.account(ticks, now)
            if threads != guest.threads or now >= guest.recount_at:
                guest.recount(self._proc, threads, now)
        for place, error in stats.errors.items():
            if not isinstance(error, (FileNotFoundError, ProcessLookupError)):
                self.broken[guests[place].pid] = error
                ended.remove(guests[place].pid)
        return ended

    def _list(self) -> bool:
        """List all processes; returns whether others are there than the last time."""
        listed = self._proc.names()
        if listed == self._listed:
            return False
        self._listed, self._present = listed, set(listed)
        self._others &= self._present
        self.denied &= self._present
        return True

    def _candidates(self, new: list[str]) -> Iterator[str]:
        """Processes that may have become guests since they were looked at."""
        again = set(self._turns.next_of(self._others)).union(*self._young).intersection(self._others)
        if self._others:  # at the start all are new, which does not make them young
            self._young.append(new)
        return filter(str.isdecimal, [*new, *again])

    def _examine(self, pid: str) -> Guest | None:
        try:
            return self._describe(pid)
        except PermissionError:
            self.denied.add(pid)
        except (OSError, ValueError):
            pass  # it ended meanwhile, or is ending
        return None

    def _program(self, pid: str) -> str:
        """The program that it runs; where that may not be seen, the name that it was called with."""
        executable = self._proc.executable(pid)
        if executable is None:
            head = self._proc.read(f"{pid}/cmdline", HEAD_BYTES)
            executable = head.partition(b"\0")[0].decode("utf-8", "replace")
        return executable

    def _describe(self, pid: str) -> Guest | None:
        describe = find_describer(self._program(pid))
        if describe is None:
            return None
        born = parse_process_stat(self._proc.stat(pid)).start
        arguments = cmdline.split(self._proc.read_whole(f"{pid}/cmdline"))
        stat = parse_process_stat(self._proc.stat(pid))
        if stat.has_ended or stat.start != born or arguments == [""]:
            return None
        description = describe(arguments, partial(self._proc.guest_config, pid))
        if not description.is_guest:
            return None
        now = self._now()
        file = self._proc.stat_file(pid, keep_open=self._descriptors_left > 0)
        guest = Guest(pid, stat.start, file, description, stat.cpu_ticks, now, description.vcpus)
        guest.recount(self._proc, stat.threads, now)
        self._descriptors_left -= file.keep_open
        return guest

    def _name(self, found: list[Guest]) -> None:
        """Ask the files of managers for what command lines do not say."""
        nameless = [guest for guest in found if guest.description.api or not guest.description.name]
        domains = managers.find_domains(self._proc.root) if nameless else {}
        for guest in nameless:
            guest.description = managers.complete(guest.description, domains.get(guest.pid), self._proc.root)
            if guest.description.api:
                self._ask_at[guest] = self._now()

    def _ask(self) -> bool:
        """Ask the APIs that are due; returns whether one said something new."""
        now = self._now()
        due = [guest for guest, at in self._ask_at.items() if at <= now][: monitor_api.MOST_QUESTIONS]
        answers = monitor_api.ask_all({guest: self._question(guest) for guest in due})
        for guest in due:
            self._ask_at[guest] = now + ASK_AGAIN_SECONDS
        for guest, description in answers.items():
            del self._ask_at[guest]
            guest.description, guest.vcpus, guest.recount_at = description, description.vcpus, -inf
            guest.recount(self._proc, guest.threads, now)
        return bool(answers)

    def _question(self, guest: Guest) -> Callable[[], Description]:
        path = self._proc.seen_by(guest.pid, guest.description.api)
        return partial(monitor_api.ask_monitor, path, guest.description)

    def _drop(self, guest: Guest) -> None:
        self._ask_at.pop(guest, None)
        guest.stat.close()
        self._descriptors_left += guest.stat.keep_open

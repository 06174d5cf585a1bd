"""Tells virtual machines their own share of the machine's energy; none is told another's.

The reading is JSON, as the plugin `guest` takes it, with `/sys/class/powercap` beside it in a shared folder for other
programs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Protocol
from uuid import uuid4

from collector_core import Context, FaultLog
from collector_plugins.workloads.config import Guests, GuestTarget
from collector_plugins.workloads.guest_folders import GuestFolders
from collector_plugins.workloads.guest_push import GuestPush
from collector_plugins.workloads.guest_socket import GuestSocket

Joules = Mapping[str, float]


class Target(Protocol):
    """One guest that is told by a connection; never blocks and never raises."""

    def send(self, line: bytes) -> None:
        """Tell it the newest reading."""

    def close(self) -> Awaitable[None] | None:
        """Hang up."""


class GuestFeeds:
    """All guests that are told; `source` names this count of joules, and outlives a restart with the counters."""

    def __init__(self, options: Guests, ctx: Context) -> None:
        self.source = uuid4().hex
        self._ctx = ctx
        self._faults = FaultLog(ctx.logger)
        self._folders = GuestFolders(ctx.path(options.folder)) if options.folder and ctx.keeps_running else None
        targets = options.targets if ctx.keeps_running else ()
        self._targets: dict[str, Target] = {each.name: _target(each, ctx) for each in targets}

    @property
    def is_needed(self) -> bool:
        """Whether anybody is told anything."""
        return bool(self._folders or self._targets)

    def tell(self, guests: Iterable[str], joules: Mapping[str, Joules], components: Iterable[str]) -> None:
        """Tell each of `guests`, the names of those that run, what it was given so far of all `components`.

        A name that two of them have is told nothing: it would be the sum of both.
        """
        zero = dict.fromkeys(components, 0.0)
        told = {}
        for name, count in Counter(guests).items():
            if count > 1:
                problem = ValueError(f"{count} running guests are called {name!r}: give them different names")
                self._faults.record_failure(f"guest {name}", problem)
            elif zero:
                self._faults.record_success(f"guest {name}")
                told[name] = {**zero, **joules.get(name, {})}
        self._tell_folders(told)
        for name in told.keys() & self._targets.keys():
            self._targets[name].send(self._reading(name, told[name]))

    async def close(self) -> None:
        """Hang up, and leave no number behind that nobody goes on counting."""
        if self._folders:
            self._folders.keep_only(())
        for each in self._targets.values():
            if done := each.close():
                await done

    def _tell_folders(self, told: Mapping[str, Joules]) -> None:
        if self._folders is None:
            return
        for name, joules in told.items():
            try:
                self._folders.write(name, self._reading(name, joules), joules)
            except (OSError, ValueError) as error:
                self._faults.record_failure(f"folder of guest {name}", error)
            else:
                self._faults.record_success(f"folder of guest {name}")
        self._folders.keep_only(told)

    def _reading(self, name: str, joules: Joules) -> bytes:
        reading: dict[str, Any] = {
            "guest": name,
            "source": self.source,
            "time": self._ctx.clock.monotonic(),
            "interval": self._ctx.interval,
            "joules": joules,
        }
        return json.dumps(reading).encode() + b"\n"


def _target(options: GuestTarget, ctx: Context) -> Target:
    return GuestSocket(ctx.path(options.socket), ctx) if options.socket else GuestPush(options, ctx)

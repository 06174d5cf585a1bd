"""Asks for names in the background, when there is somebody new."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from collector_core import AuthFailed, BackgroundTask, Backoff, Context, FaultLog
from collector_plugins.workloads.config import Config
from collector_plugins.workloads.names import Names
from collector_plugins.workloads.paths import Workload, WorkloadKind
from collector_plugins.workloads.runtimes import NameSource, plain_uid, sources

if TYPE_CHECKING:
    import asyncio

DEADLINE_SECONDS = 3.0
PATIENCE_SECONDS = 0.2  # that a run waits, so that most names are there when a workload is first shown
LEAST_PAUSE_SECONDS = 3.0
AGAIN_SECONDS = 60.0  # somebody that nobody knows is asked for again
LONGEST_PAUSE_SECONDS = 300.0


class NameLookup:
    """Each source is asked by itself: one that hangs, fails or lies costs the others nothing, and no joule."""

    def __init__(self, config: Config, ctx: Context, names: Names) -> None:
        self._asking = [_Asking(source, ctx, names) for source in sources(config, ctx)]

    async def refresh(self, alive: Iterable[Workload]) -> None:
        """Ask for those of `alive` that have no name yet, and wait a moment for the answers."""
        from asyncio import wait  # noqa: PLC0415 - who only imports the plugin does without

        tasks = [task for each in self._asking if (task := each.start(alive))]
        if tasks:
            await wait(tasks, timeout=PATIENCE_SECONDS)

    async def close(self) -> None:
        """Stop asking."""
        for each in self._asking:
            await each.close()


class _Asking:
    """One source: when it may be asked, and for whom it has been."""

    def __init__(self, source: NameSource, ctx: Context, names: Names) -> None:
        self._source = source
        self._ctx = ctx
        self._names = names
        self._background = BackgroundTask()
        self._backoff = Backoff(LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._faults = FaultLog(ctx.logger)
        self._asked_for: dict[Workload, float] = {}
        self._next_at = 0.0
        self._is_refused = False

    def start(self, alive: Iterable[Workload]) -> asyncio.Task[None] | None:
        """Ask, if there is somebody to ask for and it is time to."""
        now = self._ctx.clock.monotonic()
        if self._is_refused or self._background.is_busy or now < self._next_at or not self._backoff.due(now):
            return None
        unknown = self._names.unknown(alive)
        if not any(now - self._asked_for.get(each, -AGAIN_SECONDS) >= AGAIN_SECONDS for each in unknown):
            return None
        if not self._source.is_there:
            return None
        self._asked_for = dict.fromkeys(unknown, now)
        self._next_at = now + LEAST_PAUSE_SECONDS
        return self._background.start(self._ask(unknown))

    async def close(self) -> None:
        """Stop asking; another event loop may begin anew."""
        with suppress(RuntimeError):
            await self._background.close()

    async def _ask(self, unknown: Iterable[Workload]) -> None:
        from asyncio import timeout  # noqa: PLC0415

        try:
            async with timeout(DEADLINE_SECONDS):
                told = await self._source.ask(self._ctx.http)
        except Exception as error:  # noqa: BLE001 - whatever it answers, joules are handed out
            self._is_refused = isinstance(error, AuthFailed)
            self._faults.record_failure(self._source.place, error)
            self._backoff.failed(self._ctx.clock.monotonic())
            return
        self._faults.record_success(self._source.place)
        self._backoff.succeeded()
        self._names.learn({each: found for each in unknown if (found := told.get(_key(each)))})


def _key(workload: Workload) -> str:
    return plain_uid(workload.id) if workload.kind == WorkloadKind.POD else workload.id

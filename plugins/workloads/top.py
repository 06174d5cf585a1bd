"""`/api/v1/workloads/top`: the processes that draw the most, beside the workloads that have their joules."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_core import Field, Query
from collector_core.procfs import CLOCK_TICKS_PER_SECOND, ProcessStat, parse_process_stat, read_file
from collector_plugins.workloads.paths import OTHER, Workload

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/workloads/top"
_STAT_BYTES = 2048

Pause = Callable[[float], Awaitable[object]]


class TopQuery(Query):
    """The parameters of the route: how many processes, and over how many seconds they are watched."""

    limit: int = Field(20, ge=1, le=1000)
    seconds: float = Field(1.0, ge=0.1, le=10)


class _Process(NamedTuple):
    name: str
    stat: ProcessStat


class TopProcesses:
    """Watches all processes while somebody asks, and costs nothing else.

    `owner_of` gives the workload of a pid's control group, `price` the joules of a CPU second; None where not known.
    """

    def __init__(
        self, proc: Path, owner_of: Callable[[str], Workload | None], price: Callable[[], float | None]
    ) -> None:
        self._proc = str(proc)
        self._owner_of = owner_of
        self._price = price

    def routes(self) -> Sequence[web.RouteDef]:
        """The route."""
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        async def top(request: web.Request) -> web.Response:
            return web.json_response(await self.answer(TopQuery.parse(request.query)))

        return [web.get(PATH, top)]

    async def answer(self, query: TopQuery, pause: Pause | None = None) -> dict[str, Any]:
        """Those that use the CPUs in the next seconds, the most first; watts are without idle power."""
        from asyncio import sleep, to_thread  # noqa: PLC0415 - who only imports the plugin does without

        before = await to_thread(self._look)
        await (pause or sleep)(query.seconds)
        return await to_thread(self._list, query, before)

    def _list(self, query: TopQuery, before: Mapping[str, _Process]) -> dict[str, Any]:
        now = self._look()
        used = _seconds_used(before, now)
        first = sorted(used, key=lambda pid: (-used[pid], int(pid)))[: query.limit]
        price = self._price()
        return {
            "seconds": query.seconds,
            "processes": [self._row(pid, now[pid], used[pid] / query.seconds, price) for pid in first if used[pid]],
        }

    def _row(self, pid: str, process: _Process, cores: float, price: float | None) -> dict[str, Any]:
        workload = self._owner_of(pid) or OTHER
        return {
            "pid": int(pid),
            "name": process.name,
            "workload": {"kind": str(workload.kind), "name": workload.id},
            "cpu_cores": cores,
            "power_watts": None if price is None else cores * price,
            "resident_memory_bytes": process.stat.resident_bytes,
            "threads": process.stat.threads,
        }

    def _look(self) -> dict[str, _Process]:
        return dict(self._processes())

    def _processes(self) -> Iterator[tuple[str, _Process]]:
        with suppress(OSError):
            for pid in filter(str.isdecimal, os.listdir(self._proc)):  # noqa: PTH208 - thousands
                with suppress(OSError, ValueError):
                    line = read_file(f"{self._proc}/{pid}/stat", _STAT_BYTES)
                    name = line[line.index(b"(") + 1 : line.rindex(b")")].decode("utf-8", "backslashreplace")
                    yield pid, _Process(name, parse_process_stat(line))


def _seconds_used(before: Mapping[str, _Process], now: Mapping[str, _Process]) -> dict[str, float]:
    """CPU seconds since the first look; all of a process that is new.

    A process brings what its children used that have ended since, but not what they had used before.
    """
    own: dict[str, int] = {}
    reaped: dict[str, int] = {}
    for pid, process in now.items():
        known = before.get(pid)
        earlier = known.stat if known and known.stat.start == process.stat.start else None
        own[pid] = max(0, process.stat.cpu_ticks - (earlier.cpu_ticks if earlier else 0))
        reaped[pid] = max(0, process.stat.reaped_ticks - (earlier.reaped_ticks if earlier else 0))
    for pid, process in before.items():
        parent = str(process.stat.parent)
        if parent in reaped and (pid not in now or now[pid].stat.start != process.stat.start):
            reaped[parent] = max(0, reaped[parent] - process.stat.cpu_ticks - process.stat.reaped_ticks)
    return {pid: (own[pid] + reaped[pid]) / CLOCK_TICKS_PER_SECOND for pid in now}

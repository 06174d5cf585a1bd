"""The memory of GPUs that programs use, as the kernel tells it of each: https://docs.kernel.org/gpu/drm-usage-stats.html."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from collector_core import Clock
from collector_core.procfs import read_gpu_uses

RESCAN_SECONDS = 60.0  # a program that opens a GPU is noticed within them
FRESH_SECONDS = 1.0  # for which all GPUs of a run share what was read
UNITS: Mapping[str, int] = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

_LINE = re.compile(r"^drm-([\w-]+):\s*(\S+)(?: (\w+))?\s*$", re.MULTILINE)
_REGION = re.compile(r"(resident|total)-(?:vram|local)\d*")  # xe, and i915


class Client(NamedTuple):
    """One use of a GPU, which several descriptors may share; `used` is in bytes, by region."""

    gpu: str
    number: str
    used: float


def parse_client(fdinfo: str) -> Client | None:
    """What a descriptor says of the GPU's own memory; None where it says nothing of it."""
    told = {name: (value, unit) for name, value, unit in _LINE.findall(fdinfo)}
    used: dict[str, list[float]] = {"resident": [], "total": []}  # of each region
    for name, (value, unit) in told.items():
        if (region := _REGION.fullmatch(name)) and value.isdecimal() and len(value) < 18 and unit in UNITS:
            used[region[1]].append(float(value) * UNITS[unit])
    gpu, number = (told.get(name, ("", ""))[0] for name in ("pdev", "client-id"))
    regions = used["resident"] or used["total"]
    return Client(gpu, number, sum(regions)) if gpu and number and regions else None


class GpuClients:
    """Follows the programs that have a GPU open; on any thread."""

    def __init__(self, proc: Path, clock: Clock) -> None:
        self._proc = proc
        self._clock = clock
        self._programs: list[str] = []
        self._sees_all = False
        self._used: dict[str, float] = {}
        self._looked_at = self._scanned_at = float("-inf")
        self._lock = threading.Lock()

    def memory_used(self, gpu: str) -> float | None:
        """Bytes; None where no program tells any, or somebody else's programs may not be looked at."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._looked_at >= FRESH_SECONDS:
                self._look(now)
            return self._used.get(gpu) if self._sees_all else None

    def _look(self, now: float) -> None:
        self._looked_at = now
        if now - self._scanned_at >= RESCAN_SECONDS:
            self._scanned_at, self._sees_all = now, True
            self._programs = [program for program in self._all_programs() if any(True for _ in self._uses(program))]
        clients = {(each.gpu, each.number): each.used for each in self._clients(self._programs)}
        self._used = {}
        for (gpu, _), used in clients.items():
            self._used[gpu] = self._used.get(gpu, 0.0) + used

    def _all_programs(self) -> Iterator[str]:
        with self._as_far_as_seen():
            yield from (path.name for path in self._proc.iterdir() if path.name.isdecimal())

    def _clients(self, programs: Iterable[str]) -> Iterator[Client]:
        for program in programs:
            for fdinfo in self._uses(program):
                if client := parse_client(fdinfo.decode("ascii", "replace")):
                    yield client

    def _uses(self, program: str) -> Iterator[bytes]:
        with self._as_far_as_seen():
            yield from read_gpu_uses(f"{self._proc}/{program}")

    @contextmanager
    def _as_far_as_seen(self) -> Iterator[None]:
        try:
            yield
        except PermissionError:
            self._sees_all = False
        except OSError:
            pass  # it has just ended

"""Which processes keep which GPU busy, as drivers of the kernel's DRM say it: amdgpu, i915, xe, nouveau, panfrost, ….

Format of /proc/PID/fdinfo: https://docs.kernel.org/gpu/drm-usage-stats.html.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs import Turns, read_gpu_uses

_NANOSECOND = 1e-9
_YOUNG_LOOKS = 2  # for so many looks a new process may still open a GPU
_ALL_LOOKS = 24  # and every process is looked at again once in so many


class Client(NamedTuple):
    """One use of a GPU: its address on the PCI bus, the client's number, and what its engines did since it began.

    `seconds` is how long they were busy; `cycles` are, by engine, those that it had and those that there were.
    """

    gpu: str
    number: str
    seconds: float
    cycles: dict[str, tuple[float, float]]

    def seconds_since(self, before: Client, elapsed: float) -> float:
        """How long it kept engines busy since an earlier reading, `elapsed` seconds ago."""
        busy = max(0.0, self.seconds - before.seconds)
        for engine, (had, all_) in self.cycles.items():
            had_before, all_before = before.cycles.get(engine, (had, all_))
            if all_ > all_before:
                busy += elapsed * min(1.0, max(0.0, (had - had_before) / (all_ - all_before)))
        return busy


def parse_client(fdinfo: bytes) -> Client | None:
    """A use of a GPU; None for other files, and where the driver does not tell. Raises `ValueError`."""
    lines = (line.partition(b":") for line in fdinfo.splitlines())
    told = {key.decode("ascii", "replace"): value.split() for key, _, value in lines if key.startswith(b"drm-")}
    gpu, number = (b" ".join(told.get(key, ())).decode("ascii", "replace") for key in ("drm-pdev", "drm-client-id"))
    engines = [value for key, value in told.items() if _is_of(key, "drm-engine-")]
    cycles = {
        key.removeprefix("drm-cycles-"): (value, told.get(key.replace("drm-cycles-", "drm-total-cycles-"), []))
        for key, value in told.items()
        if _is_of(key, "drm-cycles-")
    }
    if not (gpu and number and (engines or cycles)):
        return None
    if engines:  # which are the same time in another unit
        return Client(gpu, number, sum(_number(value) for value in engines) * _NANOSECOND, {})
    of_all = {engine: (_number(had), _number(all_)) for engine, (had, all_) in cycles.items() if all_}
    return Client(gpu, number, 0.0, of_all)


def _is_of(key: str, prefix: str) -> bool:
    return key.startswith(prefix) and not key.startswith(f"{prefix}capacity-")


def _number(words: list[bytes]) -> float:
    if not (words and words[0].isdigit() and len(words[0]) < 20):
        raise ValueError("an engine's time is no number")
    return float(words[0])


class DrmClients:
    """Follows the processes that have a GPU open; the others are looked at now and then, because that takes long."""

    def __init__(self, proc: Path) -> None:
        self._proc = str(proc)
        self._with_gpu: set[str] = set()
        self._others: set[str] = set()
        self._young: deque[set[str]] = deque(maxlen=_YOUNG_LOOKS)
        self._turns = Turns(_ALL_LOOKS)
        self._clients: dict[tuple[str, str], Client] = {}
        self._is_first = True

    def read(self, elapsed: float) -> dict[str, dict[str, float]]:
        """Seconds for which each process kept engines busy in the `elapsed` ones since the last look, by GPU and pid.

        Every GPU is in it that somebody has open. Of two processes that share a client, one has it.
        """
        before, self._clients = self._clients, {}
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for pid, is_known in self._candidates():
            for client in self._clients_of(pid):
                key = client.gpu, client.number
                if key in self._clients:
                    continue
                self._clients[key] = client
                start = before.get(key) or (Client(*key, 0.0, {}) if is_known else client)
                used = found[client.gpu]
                used[pid] = used.get(pid, 0.0) + client.seconds_since(start, elapsed)
        self._is_first = False
        return dict(found)

    def _candidates(self) -> Iterator[tuple[str, bool]]:
        """Processes that may have a GPU open, and whether what a new client of theirs did was since the last look."""
        try:
            present = {name for name in os.listdir(self._proc) if name.isdecimal()}  # noqa: PTH208 - thousands
        except OSError:
            present = set()
        known, self._with_gpu = self._with_gpu & present, set()
        new = present - self._others - known
        again = (set(self._turns.next_of(self._others)).union(*self._young) & present) - known - new
        self._young.append(set() if self._is_first else new)
        self._others = present - known
        for pid in sorted(known):
            yield pid, True
        for pid in sorted(new | again):
            yield pid, pid in new and not self._is_first

    def _clients_of(self, pid: str) -> Iterator[Client]:
        """Nothing where its files may not be seen."""
        with suppress(OSError):
            for fdinfo in read_gpu_uses(f"{self._proc}/{pid}"):
                self._with_gpu.add(pid)
                self._others.discard(pid)
                with suppress(ValueError):
                    if client := parse_client(fdinfo):
                        yield client

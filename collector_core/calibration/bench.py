"""Measures the power of this machine at one load after the other, for a calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, Protocol

from collector_core.calibration.load import Load, bending_level, load_levels
from collector_core.errors import NotAvailable
from collector_core.model.clock import Clock
from collector_core.procfs.stat import CpuTicks, cpu_ticks

BUSY_WHEN_IDLE = 0.05  # of all CPUs: more than that is somebody else's work

Joules = Callable[[], Mapping[Any, float]]


class LoadPoint(NamedTuple):
    """What was measured while `level` processes burned: busy CPUs, their share of all (0 to 1), and watts by meter."""

    level: int
    busy_cores: float
    utilization: float
    watts: Mapping[Any, float]

    @property
    def is_disturbed(self) -> bool:
        """Whether something else kept CPUs busy while all should have been idle."""
        return self.level == 0 and self.utilization > BUSY_WHEN_IDLE


class MachineContext(Protocol):
    """Where a machine is read, as the context of a plugin's command knows it."""

    @property
    def clock(self) -> Clock:
        """Monotonic time."""

    def path(self, path: str) -> Path:
        """An absolute path of the machine, below its root."""


class LoadBench:
    """Keeps CPUs of this machine busy and reads its meters and the load below the configured root.

    `joules` reads the meters: energy since some moment, by meter. At each load `settle` seconds pass, then `readings`
    times `seconds`.
    """

    def __init__(
        self, context: MachineContext, joules: Joules, *, seconds: float, settle: float, readings: int = 1
    ) -> None:
        self._joules = joules
        self._stat = context.path("/proc/stat")
        self._now = context.clock.monotonic
        self._seconds = seconds
        self._settle = settle
        self._readings = readings

    def measure(self, levels: Iterable[int]) -> Iterator[LoadPoint]:
        """Points at each number of burning processes, as they are measured; raises `NotAvailable` where one fails."""
        self._ticks()  # in vain: to fail before any load is made
        for level in levels:
            yield from self._measure_at(level)

    def measure_curve(self, cpus: int, steps: int) -> Iterator[LoadPoint]:
        """Points from idle to `cpus` burning processes, at up to `steps` loads beside idle, as they are measured.

        The first half of them are spread evenly, the others where the curve bends. Raises `NotAvailable` where one
        fails.
        """
        watts: dict[int, float] = {}
        levels: Iterable[int] = load_levels(cpus, (steps + 1) // 2)
        while levels:
            for level in levels:
                points = []
                for point in self.measure([level]):
                    points.append(point)
                    yield point
                watts[level] = fmean(sum(point.watts.values()) for point in points)
            more = bending_level(watts) if len(watts) <= steps else None
            levels = () if more is None else (more,)

    def _measure_at(self, level: int) -> Iterator[LoadPoint]:
        with Load(level):
            time.sleep(self._settle / 2)
            self._joules()  # in vain: a meter may hold back a step in power until its next reading confirms it
            time.sleep(self._settle / 2)
            for _ in range(self._readings):
                yield self._point(level)

    def _point(self, level: int) -> LoadPoint:
        joules, ticks, start = self._joules(), self._ticks(), self._now()
        time.sleep(self._seconds)
        more, passed, seconds = self._joules(), self._ticks().since(ticks), self._now() - start
        utilization = passed.utilization
        if utilization is None:
            raise NotAvailable("bad_data", f"{self._stat} did not increase", fix="try again")
        watts = {meter: grown / seconds for meter, grown in growth(joules, more).items()}
        return LoadPoint(level, passed.busy_seconds / seconds, utilization, watts)

    def _ticks(self) -> CpuTicks:
        try:
            return cpu_ticks(self._stat.read_bytes())
        except (OSError, ValueError) as error:
            raise NotAvailable("not_found", f"{self._stat}: {error}") from error


def mean_points(readings: Iterable[LoadPoint]) -> Iterator[LoadPoint]:
    """One point for each load, the mean of its readings, from idle on; of a meter, of those readings that have it."""
    by_level: dict[int, list[LoadPoint]] = {}
    for reading in readings:
        by_level.setdefault(reading.level, []).append(reading)
    for level, points in sorted(by_level.items()):
        yield LoadPoint(
            level,
            fmean(point.busy_cores for point in points),
            fmean(point.utilization for point in points),
            {
                meter: fmean(point.watts[meter] for point in points if meter in point.watts)
                for meter in dict.fromkeys(meter for point in points for meter in point.watts)
            },
        )


def growth(before: Mapping[Any, float], after: Mapping[Any, float]) -> dict[Any, float]:
    """Joules from one reading to the next; raises `NotAvailable` unless both have the same meters and none fell."""
    if before.keys() != after.keys() or any(after[meter] < joules for meter, joules in before.items()):
        raise NotAvailable("bad_data", "the energy counter was not available the whole time", fix="try again")
    return {meter: joules - before[meter] for meter, joules in after.items()}

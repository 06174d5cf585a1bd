"""Joules per unit of work: what was drawn while a counter of somebody else's rose."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from collector_core import Published, Readings, Selector
from collector_plugins.workloads import metrics
from collector_plugins.workloads.config import Work


class _Point(NamedTuple):
    time: float
    joules: float
    units: float


class WorkMeter:
    """One kind of work over the last `window` seconds; a counter that begins anew begins the window anew."""

    def __init__(self, options: Work, window: float) -> None:
        self._selector = Selector.parse(options.selector)
        self._window = window
        self._values: dict[str, float] = {}
        self._units = 0.0
        self._points: deque[_Point] = deque()
        self.name = options.name
        self.workload = options.workload

    def record(self, now: float, joules: float, published: Sequence[Published]) -> None:
        """Take the joules drawn so far, and what the counters show."""
        before, self._values = self._values, {s.text: value for s, value in self._selector.select(published)}
        known = self._values.keys() & before.keys()
        has_fallen = any(self._values[series] < before[series] for series in known)
        if has_fallen or (self._points and joules < self._points[-1].joules):
            self._points.clear()
        else:
            self._units += sum(self._values[series] - before[series] for series in known)
        self._points.append(_Point(now, joules, self._units))
        while len(self._points) > 2 and self._points[1].time <= now - self._window:
            self._points.popleft()

    @property
    def joules_per_unit(self) -> float | None:
        """None where no work was done."""
        first, last = self._points[0], self._points[-1]
        units = last.units - first.units
        return (last.joules - first.joules) / units if units > 0 else None


class WorkMeters:
    """All work that the options name; `joules_of` gives what a workload was given so far, by kind and name."""

    def __init__(self, options: Iterable[Work], window: float) -> None:
        self._meters = [WorkMeter(each, window) for each in options]

    def publish(
        self,
        out: Readings,
        now: float,
        machine_joules: float,
        joules_of: Callable[[str, str], float],
        published: Callable[[], Sequence[Published]],
    ) -> None:
        """Take a reading of each, and show what a unit of it costs."""
        shown = published() if self._meters else ()
        for each in self._meters:
            joules = joules_of(each.workload.kind, each.workload.name) if each.workload else machine_joules
            each.record(now, joules, shown)
            if (cost := each.joules_per_unit) is not None:
                out.add(metrics.WORK, cost, work=each.name)
                kind, name = (each.workload.kind, each.workload.name) if each.workload else ("", "")
                out.add(metrics.WORK_INFO, work=each.name, kind=kind, name=name)

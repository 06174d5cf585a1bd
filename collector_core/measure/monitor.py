"""`EnergyMonitor`: what a piece of work costs, in joules, CPU time, memory and bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from collector_core.errors import NotAvailable, Reason
from collector_core.measure import meter_readings as moments
from collector_core.measure.levels import Level, chosen, level_called, no_meter
from collector_core.measure.measurement import Measurement
from collector_core.measure.meter_readings import Growth, Moment, Outcome
from collector_core.measure.named_processes import Named, Processes
from collector_core.measure.other_use import Others
from collector_core.measure.overhead import Cost, calibrate
from collector_core.measure.result import Seen, Setup, conclude, method_of, use_of_others
from collector_core.measure.sampler import Sampler
from collector_core.measure.sources import Sources, configured_factors
from collector_core.measure.timed_block import TimedBlock
from collector_core.measure.usage import ProcessTree
from collector_core.metering.meters import EnergyMeter, EnergyReading
from collector_core.model.clock import Clock, SystemClock
from collector_core.procfs.cpu import read_cpus

IDLE_SECONDS = 0.2  # in which this process waits, so that the machine's own power is seen


class Look(NamedTuple):
    """What the sampler saw at one moment: resident memory in bytes, and what all meters say."""

    memory_bytes: int | None
    outcomes: tuple[Outcome, ...]


class Running:
    """A measurement that goes on: how it began, and what the sampler sees of it."""

    __slots__ = ("before", "first", "others", "peak", "sampled")

    def __init__(self, sampled: float, others: Others | None = None) -> None:
        self.sampled = sampled
        self.others = others
        self.peak: int | None = None
        self.first: tuple[Outcome, ...] | None = None
        self.before: Moment

    def record_sample(self, look: Look) -> None:
        """Take note of a sample."""
        if look.memory_bytes is not None:
            self.peak = max(self.peak or 0, look.memory_bytes)
        if self.first is None:
            self.first = look.outcomes
        if self.others:
            self.others.look()


class EnergyMonitor:
    """Measures pieces of work of this process. Safe to use from any thread and in coroutines, nested and at once.

    `level` is `hardware` (counters of parts), `system` (the machine as a whole), `estimate` (a model) or `auto` (the
    best there is). `config` names a configuration file whose collectors are asked, instead of those that fit here, and
    whose `energy` options say what energy emits and costs; `root` is where the machine's `/proc` and `/sys` are found.
    `on_finished` is called with each measurement that has ended. `meters` are used instead of the collectors'. Without
    `own_process` only processes below this one count.

    Making one takes a part of a second: it finds the meters, watches the idle machine, and learns what measuring costs.
    Raises `ValueError` for an unknown level, `NotAvailable` with reason and fix where a level cannot be had here,
    and `ConfigError` for a bad configuration.
    """

    def __init__(
        self,
        level: str = Level.AUTO,
        *,
        root: Path | None = None,
        config: Path | None = None,
        on_finished: Callable[[Measurement], object] | None = None,
        meters: Sequence[EnergyMeter] | None = None,
        own_process: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.level = level_called(level)
        self._clock = clock or SystemClock()
        self._on_finished = on_finished
        self._own_process = own_process
        self._started = threading.local()
        self._sources = Sources(self._clock, root, config) if meters is None else None
        self._root = self._sources.root if self._sources else root or Path("/")
        self._factors = self._sources.factors if self._sources else configured_factors(config)
        self._tree = ProcessTree(with_self=own_process)
        self._sampler = Sampler(self._look)
        self._running: dict[Measurement, Running] = {}
        try:
            self._setup = self._prepare(self._sources.meters() if self._sources else meters or ())
        except NotAvailable:
            self.close()
            raise

    @property
    def meters(self) -> tuple[EnergyMeter, ...]:
        """Those whose sum is the energy of a measurement."""
        return self._setup.counted

    @property
    def method(self) -> str:
        """How energy comes to be known: `rapl`, `rapl+nvml_counter`, `model`, …"""
        return method_of(self._setup)

    def measure(
        self, label: str = "", *, work: Mapping[str, float] | None = None, processes: Sequence[int | str] = ()
    ) -> TimedBlock:
        """A block to measure: `with` or `async with`, which give the `Measurement`, or a decorator.

        `work` is what is done in it, as far as that is known before: the measurement's `work` begins with it.
        `processes` are others that do work for it, which `others` of the measurement tells apart: a pid, a unit as
        `geth.service`, the name or id of a container, or a program's name. They are looked up whenever a block begins.
        Raises `ValueError`, here and where a block begins, naming what is not there.
        """
        self._find(processes)
        return TimedBlock(label, partial(self._begin, work=work, processes=processes), self._end)

    def start(self, label: str = "", *, processes: Sequence[int | str] = ()) -> Measurement:
        """Begin to measure, with others as `measure` has them; `stop` ends it."""
        measurement = self._begin(label, processes=processes)
        self._stack().append(measurement)
        return measurement

    def stop(self, measurement: Measurement | None = None) -> Measurement:
        """End a measurement that was started, by default the latest of this thread; returns it.

        Raises `RuntimeError` where none was started, or it has ended.
        """
        stack = self._stack()
        if measurement is None:
            if not stack:
                raise RuntimeError("stop() without start() on this thread; give it the measurement to end")
            measurement = stack.pop()
        elif measurement in stack:
            stack.remove(measurement)
        self._end(measurement)
        return measurement

    def so_far(self, measurement: Measurement) -> Measurement:
        """What a measurement that goes on would be if it ended now; raises `RuntimeError` where it has ended."""
        running = self._running.get(measurement)
        if running is None:
            raise RuntimeError("the measurement has ended")
        now = Measurement(measurement.label, measurement.level, measurement.started_at, dict(measurement.work))
        now.ended(self._conclusion(running, self._after()))
        return now

    def sample(self) -> None:
        """Look at memory and all meters now, in between the times at which that is done anyway, ten times a second."""
        self._sampler.sample()

    def watch_idle(self, seconds: float) -> None:
        """Wait, and take what the machine draws meanwhile as what it draws anyway."""
        grown, _ = self._wait(self.meters, seconds)
        self._setup = replace(self._setup, idle_watts=_watts(self.meters, grown))

    def close(self) -> None:
        """Close the collectors and let go of everything; legal any number of times."""
        self._sampler.stop()
        self._tree.close()
        if self._sources:
            self._sources.close()

    def _prepare(self, meters: Sequence[EnergyMeter]) -> Setup:
        """Find out which meters count here, what the idle machine draws, and what measuring costs."""
        candidates = [meter for meter in meters if meter.inside is None]
        grown, outcomes = self._wait(candidates, IDLE_SECONDS)
        readable = [
            meter for meter, outcome in zip(candidates, outcomes, strict=True) if isinstance(outcome, EnergyReading)
        ]
        counted = chosen(self.level, readable)
        if not counted:
            raise no_meter(self.level, readable, self._problems(candidates, outcomes))
        others = [meter for meter in readable if not any(meter is each for each in counted)]
        known = {id(meter): each for meter, each in zip(candidates, grown, strict=True)}
        idle = _watts(counted, [known[id(meter)] for meter in counted])
        processor = _processor(self._root)
        self._setup = Setup(tuple(counted), tuple(others), idle, processor=processor, factors=self._factors)
        return replace(self._setup, cost=calibrate(self._measure_nothing))

    def _wait(self, meters: Sequence[EnergyMeter], seconds: float) -> tuple[list[Growth], tuple[Outcome, ...]]:
        """What meters count while this process waits, and what they say at the end."""
        first = moments.read_all(meters)
        time.sleep(seconds)
        last = moments.read_all(meters)
        bounds = (meter.max_watts for meter in meters)
        return [moments.growth(*each) for each in zip(first, last, bounds, strict=True)], last

    def _measure_nothing(self) -> Cost:
        running = self._enter()
        before, after = running.before, self._leave(running)
        pairs = zip(before.outcomes, after.outcomes, strict=True)
        windows = tuple(moments.growth(*pair).seconds for pair in pairs)
        return Cost(after.time - before.time, after.usage.cpu_seconds - before.usage.cpu_seconds, windows)

    def _begin(
        self, label: str, work: Mapping[str, float] | None = None, processes: Sequence[int | str] = ()
    ) -> Measurement:
        found = self._find(processes)
        others = Others(*found) if found else None
        measurement = Measurement(label, self.level, self._clock.time(), dict(work or {}))
        self._running[measurement] = self._enter(others)
        return measurement

    def _find(self, names: Sequence[int | str]) -> tuple[list[Named], Processes] | None:
        if isinstance(names, str):
            raise TypeError("processes is a sequence of pids and names, not one name")
        if not names:
            return None
        processes = Processes(self._root)
        return [processes.find(name) for name in dict.fromkeys(map(str, names))], processes

    def _end(self, measurement: Measurement) -> None:
        running = self._running.pop(measurement, None)
        if running is None:
            raise RuntimeError("the measurement has ended")
        measurement.ended(self._conclusion(running, self._leave(running)))
        if self._on_finished:
            self._on_finished(measurement)

    def _enter(self, others: Others | None = None) -> Running:
        running = Running(self._sampler.cpu_seconds, others)
        self._sampler.add(running)
        running.before = moments.before(self._setup.counted, self._tree, self._clock)
        return running

    def _leave(self, running: Running) -> Moment:
        moment = self._after()
        self._sampler.remove(running)
        return moment

    def _after(self) -> Moment:
        return moments.after(self._setup.counted, self._tree, self._clock)

    def _conclusion(self, running: Running, after: Moment) -> Callable[[Measurement], None]:
        """Other methods are read for a block that goes on for a while: they may take longer than a short one."""
        last = (*after.outcomes, *moments.read_all(self._setup.others)) if running.first else None
        looking = self._sampler.cpu_seconds - running.sampled if self._own_process else 0.0
        seen = Seen(running.peak, looking, running.first, last)
        others = use_of_others(running.others, running.before, after)
        return partial(conclude, setup=self._setup, before=running.before, after=after, seen=seen, others=others)

    def _look(self) -> Look:
        """What the sampler does: a power must be read often, a counter before it wraps unseen."""
        outcomes = moments.read_all((*self._setup.counted, *self._setup.others))
        return Look(self._tree.memory_bytes(), outcomes)

    def _stack(self) -> list[Measurement]:
        """What was started on this thread and has not ended."""
        stack: list[Measurement] = self._started.__dict__.setdefault("stack", [])
        return stack

    def _problems(self, meters: Sequence[EnergyMeter], outcomes: Sequence[Outcome]) -> dict[str, NotAvailable]:
        """Why collectors have no meters, and meters no energy, by their name."""
        problems = dict(self._sources.problems) if self._sources else {}
        for meter, outcome in zip(meters, outcomes, strict=True):
            if not isinstance(outcome, EnergyReading):
                problems[meter.name] = NotAvailable(Reason.NOT_FOUND, outcome or "has not counted anything yet")
        return problems


def _processor(root: Path) -> str:
    """What the machine's processor is called; empty where nothing says it."""
    try:
        return read_cpus(root / "proc").model
    except (OSError, ValueError):
        return ""


def _watts(meters: Sequence[EnergyMeter], grown: Sequence[Growth]) -> float | None:
    """The power of all together; None where one of them did not say."""
    if any(each.problem or each.seconds < meter.period for meter, each in zip(meters, grown, strict=True)):
        return None
    return sum(each.joules / each.seconds for each in grown)

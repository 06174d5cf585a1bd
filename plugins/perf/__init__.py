"""Energy of processors and memory by the kernel's events `power/energy-*/`, where the powercap tree is masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeGuard

from collector_core import (
    Collector,
    CollectorConfig,
    Component,
    Context,
    EnergyMeter,
    EnergyReading,
    NotAvailable,
    Readings,
    Reason,
    hookimpl,
)
from collector_core.procfs import read_cpus
from collector_plugins.perf import metrics, refusal
from collector_plugins.perf.counter import Counts, EventCounter
from collector_plugins.perf.events import CPUS, POWER, Event, find_events, find_owners
from collector_plugins.perf.kernel import OpenEvent

METHOD = "perf"
PLATFORM = "energy-psys"
COMPONENTS = {"energy-pkg": Component.CPU, "energy-ram": Component.DRAM, PLATFORM: Component.HOST}
INSIDE_PLATFORM = frozenset({Component.CPU, Component.DRAM})
# The registers are those of RAPL: see the plugin `rapl`. They are updated about every millisecond.
UNCERTAINTY = 0.05
PERIOD_SECONDS = 0.001


class Config(CollectorConfig):
    """No options: what there is to read is found."""


class Perf(Collector[Config]):
    """Reads every energy event on every package, each on its own."""

    name = "perf"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 1.0
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._events: dict[str, Event | Exception] = {}
        self._owners: dict[int, str] = {}
        self._counters: dict[tuple[str, str], EventCounter] = {}  # by owner and event

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None where the events can be read and powercap does not tell the same, else what is in the way."""
        if refusal.is_told_by_powercap(ctx):
            return NotAvailable(
                Reason.NOT_FOUND,
                "not needed: powercap can be read, and `rapl` tells the same energy",
                fix="to have both, add `perf: {}` to `collectors:`; the ledger counts one of them",
            )
        collector = cls(cls.config_type(), ctx)
        try:
            collector.open()
        except NotAvailable as problem:
            return problem
        finally:
            collector.close()
        return None

    def open(self) -> None:
        """Look at the events and open them; raises `NotAvailable` where none can be."""
        power = self.ctx.path(POWER)
        try:
            self._events = find_events(power)
            self._owners = find_owners(power, self.ctx.path(CPUS), dies_count_alone=not _is_amd(self.ctx))
        except (OSError, ValueError):
            raise refusal.no_pmu() from None
        for event in filter(_is_usable, self._events.values()):
            for cpu, owner in self._owners.items():
                self._counters.setdefault((owner, event.name), EventCounter(event, partial(self._open, event, cpu)))
        if not self._counters:
            raise refusal.no_event()
        if refused := self._refusal():
            raise refused

    def collect(self, out: Readings) -> None:
        """Read every event once; raises `NotAvailable` where none counts any longer."""
        for (owner, name), counter in self._counters.items():
            with out.part(package=_number(owner), event=name):
                self._read(counter)
                _publish(out, counter, package=_number(owner), event=name)
        for name, event in self._events.items():
            if isinstance(event, Exception):
                with out.part(event=name):
                    raise event.with_traceback(None)
        if not any(counter.is_open for counter in self._counters.values()) and (refused := self._refusal()):
            raise refused

    def close(self) -> None:
        """Let go of the events."""
        for counter in self._counters.values():
            counter.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Packages (or dies), memory and platform; where `rapl` reads the same, the ledger counts that instead."""
        return tuple(self._meters())

    def _open(self, event: Event, cpu: int) -> Counts:
        return OpenEvent(event, cpu)

    def _read(self, counter: EventCounter) -> EnergyReading | None:
        try:
            return counter.read(self.ctx.clock)
        except OSError as error:
            raise refusal.of_error(error, self.ctx) from None

    def _refusal(self) -> NotAvailable | None:
        """Why no event can be read; None where one can."""
        problems = []
        for counter in self._counters.values():
            try:
                self._read(counter)
            except NotAvailable as problem:
                problems.append(problem)
        return problems[0] if len(problems) == len(self._counters) else None

    def _meters(self) -> Iterator[EnergyMeter]:
        for (owner, name), counter in self._counters.items():
            if name in COMPONENTS:
                yield EnergyMeter(
                    COMPONENTS[name],
                    _platform(owner) if name == PLATFORM else owner,
                    METHOD,
                    UNCERTAINTY,
                    PERIOD_SECONDS,
                    counter.latest,
                    read=partial(counter.read, self.ctx.clock),
                    covers=INSIDE_PLATFORM if name == PLATFORM else frozenset(),
                    counting_since=counter.counting_since,
                    max_watts=counter.max_watts,
                )


def _publish(out: Readings, counter: EventCounter, **labels: str) -> None:
    if counter.is_alive:
        out.add(metrics.ENERGY, counter.joules, **labels)
        if counter.watts is not None:
            out.add(metrics.POWER, counter.watts, **labels)
    out.add(metrics.UNKNOWN_GAPS, counter.unknown_gaps, **labels)


def _is_amd(ctx: Context) -> bool:
    """Whether the processor is one of AMD's or Hygon's, whose dies all show the energy of the package."""
    try:
        model = read_cpus(ctx.path("/proc")).model
    except (OSError, ValueError):
        return False
    return model.startswith(("AMD", "Hygon"))


def _number(owner: str) -> str:
    return owner.removeprefix("package-")


def _platform(owner: str) -> str:
    """What powercap calls the platform of a package."""
    number = _number(owner)
    return "psys" if number == "0" else f"psys-{number}"


def _is_usable(event: Event | Exception) -> TypeGuard[Event]:
    return isinstance(event, Event)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Perf,)

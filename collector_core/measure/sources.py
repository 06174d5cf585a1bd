"""Collectors that run for their energy meters alone: just often enough to know them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from collector_core.collector import Collector
from collector_core.config.loading import default_instances, load
from collector_core.config.settings import Config, Instance
from collector_core.engine.worker import LONGEST_SLEEP, Lifecycle, start_worker
from collector_core.errors import NotAvailable, Reason, describe, reason_of
from collector_core.metering.factors import EnergyFactors, GivesFactors
from collector_core.metering.meters import EnergyMeter
from collector_core.model.clock import Clock
from collector_core.model.readings import Readings
from collector_core.plugins.attempts import Attempts, PluginFailed, StillBusy
from collector_core.plugins.discovery import Plugin, Plugins
from collector_core.plugins.hookspecs import implementation, implements
from collector_core.plugins.offers import MetersOffered, names_with_meters

HOOK = "collector_energy_meters"
STOP_SECONDS = 2.0
# A counter counts once it was seen to move, and dies of one package are told apart by their second move.
RUNS = 3
GAP_SECONDS = 0.05  # between two runs: far longer than any processor's counter takes to move

log = logging.getLogger(__name__)


class MeterSource:
    """One collector on a thread of its own, from the start on; `done` is set once it knows what it can know."""

    def __init__(self, instance: Instance, collector: Collector[Any]) -> None:
        self.name = instance.name
        self.done = threading.Event()
        self.error: BaseException | None = None
        self._instance = instance
        self._runs_left = RUNS if instance.type.needs_two_runs else 1
        self._wait = 0.0
        self._collector = collector
        self._offered: tuple[EnergyMeter, ...] = ()
        self._lifecycle = Lifecycle(self._collector, instance.timeout)
        jobs = (lambda: self._wait, self._cycle, self._close)
        self._worker = start_worker(self._lifecycle, f"meters-{instance.name}", *jobs, self._see_stray)

    def meters(self) -> tuple[EnergyMeter, ...]:
        """What it hands over now; raises `NotAvailable` with what is in the way."""
        if not self.done.is_set():
            raise NotAvailable(Reason.TIMEOUT, f"no answer after {self._instance.timeout:g} s")
        if isinstance(self.error, NotAvailable):
            raise self.error
        if self.error is not None:
            raise NotAvailable(reason_of(self.error), describe(self.error))
        return self._offered

    @property
    def patience(self) -> float:
        """Seconds in which it must be done."""
        return self._instance.timeout + RUNS * GAP_SECONDS

    def stop(self) -> None:
        """Let the collector close, on its own thread; returns at once."""
        self._worker.stop()

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for it; returns whether it has closed."""
        return self._worker.join(timeout)

    async def _cycle(self) -> None:
        if self.done.is_set():
            return
        try:
            instance = self._instance
            await self._lifecycle.collect(Readings(instance.type.metrics, max_series=instance.max_series))
            offer = implementation(self._collector, HOOK)
            self._offered = tuple(meter for meter in offer() if not meter.is_foreign) if offer else ()
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self.error = error
        self._runs_left -= 1
        if self._runs_left and self.error is None:
            self._wait = GAP_SECONDS
        else:
            self._wait = LONGEST_SLEEP
            self.done.set()

    async def _close(self) -> None:
        with contextlib.suppress(Exception):  # nobody reads it any more
            await self._lifecycle.close()

    @staticmethod
    def _see_stray(error: BaseException) -> None:
        log.warning("a task of a collector's own failed: %s", describe(error))


class Sources:
    """All collectors here that have energy meters; `problems` says of each that has none why.

    `factors` are what energy emits and costs, `root` is where the machine's `/proc` and `/sys` are found, both as the
    configuration says.
    """

    def __init__(self, clock: Clock, root: Path | None, config: Path | None) -> None:
        self.problems: dict[str, NotAvailable] = {}
        self._sources: list[MeterSource] = []
        self._attempts = Attempts()
        fitting = self._fitting() if config is None else None
        plugins, loaded = load(config, attempts=self._attempts, otherwise=fitting)
        self.factors = _factors(loaded)
        self.root = root or loaded.settings.root
        for instance in self._instances(plugins, loaded, clock):
            what, module = f"collector {instance.name}: its constructor", instance.type.__module__
            build = partial(instance.build, clock=clock, root=self.root)
            try:
                self._sources.append(MeterSource(instance, self._attempts.make(what, instance, module, build)))
            except StillBusy as busy:
                self.problems[instance.name] = busy
            except PluginFailed as failed:
                self.problems[instance.name] = NotAvailable(Reason.BAD_DATA, str(failed))

    def meters(self) -> Sequence[EnergyMeter]:
        """Wait until every collector knows its meters, as long as it may take; returns all of them."""
        found: list[EnergyMeter] = []
        for source in self._sources:
            source.done.wait(source.patience)
            try:
                found += source.meters()
            except NotAvailable as error:
                self.problems[source.name] = error
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self.problems[source.name] = NotAvailable(reason_of(error), describe(error))
        return found

    def close(self) -> None:
        """Close all collectors."""
        sources, self._sources = self._sources, []
        for source in sources:
            source.stop()
        for source in sources:
            source.join(STOP_SECONDS)

    def _fitting(self) -> list[str]:
        """The plugins that may have meters without a configuration; what is to be said of the others is noted."""
        metering = names_with_meters()
        for name, meters in metering.items():
            if meters is MetersOffered.CONFIGURED:
                self.problems[name] = NotAvailable(Reason.NOT_FOUND, "only where a configuration names it")
        return [name for name in metering if name not in self.problems]

    def _instances(self, plugins: Plugins, config: Config, clock: Clock) -> list[Instance]:
        """Collectors that may have meters: those of the file, or what fits."""
        for plugin in plugins.unloaded.values():
            self._see_broken(plugin)
        instances = self._defaults(plugins, clock) if config.instances is None else config.instances
        return [instance for instance in instances if implements(instance.type, HOOK)]

    def _defaults(self, plugins: Plugins, clock: Clock) -> Sequence[Instance]:
        metering = (cls for cls in plugins.types.values() if implements(cls, HOOK))
        instances, absent = default_instances(metering, self.root, clock, self._attempts)
        self.problems |= absent
        return instances

    def _see_broken(self, plugin: Plugin) -> None:
        self.problems[plugin.name] = NotAvailable(Reason.BAD_DATA, plugin.error, fix=plugin.remedy)


def configured_factors(file: Path | None) -> EnergyFactors:
    """What energy emits and costs, as a file says; raises `ConfigError`."""
    return EnergyFactors() if file is None else _factors(load(file)[1])


def _factors(config: Config) -> EnergyFactors:
    options = (instance.options for instance in config.instances or ())
    return next((each.energy_factors() for each in options if isinstance(each, GivesFactors)), EnergyFactors())

"""The collectors of one process: build, start, reload, stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector_core.collector import Collector
from collector_core.config.loading import default_instances, load, load_settings, log_broken
from collector_core.config.redactor import Redactor
from collector_core.config.section import Unloadable
from collector_core.config.settings import Config, Instance, default_instance
from collector_core.engine.history_keeper import HistoryKeeper
from collector_core.engine.own_samples import OwnSamples, health_source
from collector_core.engine.process_metrics import ProcessMetrics
from collector_core.engine.retired import Retired
from collector_core.engine.runner import Runner
from collector_core.engine.self_metrics import APP, HEALTH, AppState, Health
from collector_core.engine.ticker import Ticking, Watchdog
from collector_core.errors import CollectorError, ConfigError, Reason, describe, fix_of, reason_of
from collector_core.exposition.sources import Exposition, Source
from collector_core.installed import installed_version
from collector_core.metering.meters import EnergyMeter
from collector_core.metering.supply import fed
from collector_core.model.clock import Clock, SystemClock
from collector_core.model.published import Published
from collector_core.model.run_report import RunReport
from collector_core.outputs.outputs import Outputs
from collector_core.plugins.attempts import Attempts, StillBusy
from collector_core.plugins.discovery import Plugins
from collector_core.plugins.entry_points import OURS

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

MAX_ABANDONED = 3  # threads per instance name that may hang before it is not started again
STOP_SECONDS = 2.0
OUTPUT_STOP_SECONDS = 0.5  # for outputs to put on disk what they have, at least
DEMO_LABELS = {"demo": "true"}


@dataclass(frozen=True)
class Idle:
    """A collector that does not run, and why; `wanted` where it should."""

    name: str
    plugin: str
    reason: Reason
    detail: str
    fix: str = ""
    wanted: bool = False


class App:
    """Everything that collects. Safe to use from any thread.

    `config_file` None means: whatever fits this machine, with its defaults. `root` overrides the file's.
    `demo` runs what plugins simulate instead of what is there, and labels every series `demo="true"`.
    `keeps_running` is False where collectors are only looked at once. `keeps_history` keeps what the collectors read as
    the configuration says, in a folder of its own for a demo. `attempts` is how plugins' code is called that could hang
    before a collector runs; `loading` is True until it is known which collectors there are.
    """

    def __init__(
        self,
        config_file: Path | None = None,
        *,
        root: Path | None = None,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
        demo: bool = False,
        keeps_running: bool = True,
        keeps_history: bool = False,
        attempts: Attempts | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.exposition = Exposition(self.clock, DEMO_LABELS if demo else None)
        self.watchdog = Watchdog(self.clock)
        self.history = HistoryKeeper(self.exposition, self.clock)
        self.runners: dict[str, Runner] = {}
        self.idle: tuple[Idle, ...] = ()
        self.plugins = Plugins(())
        self.config = Config()
        self.redactor = redactor or Redactor()
        self.outputs = Outputs(self.exposition, self.clock, self.redactor)
        self.state = AppState(installed_version(OURS))
        self._config_file = config_file
        self._demo = demo
        self._keeps_running = keeps_running
        self._keeps_history = keeps_history
        self._root = root
        self.loading = False
        self.attempts = attempts or Attempts()
        self._loads = threading.Lock()  # held by the one load that goes on
        self._lock = threading.Lock()
        self._retired = Retired(self._show_abandoned)
        self._down: list[Source] = []
        self._started = self._stopped = False
        self._source = self.exposition.source("collector", APP)
        self._watched: list[Ticking] = [
            ProcessMetrics(self.exposition, self.clock),
            OwnSamples(self.exposition, self.outputs, self.clock, lambda: self.runners),
            self._retired,
        ]

    @property
    def root(self) -> Path:
        """Where the machine's `/proc` and `/sys` are found."""
        return self._root or self.config.settings.root

    def load_settings(self) -> None:
        """Read what the configuration says about the program itself, and load no plugin unless it is wrong.

        Raises `ConfigError` with all that is wrong, options of collectors too.
        """
        settings = load_settings(self._config_file)
        if settings is None:
            self._read_config()
        else:
            self.config = Config(settings)
            self.loading = True

    def load(self) -> None:
        """Read the configuration and build the collectors; raises `ConfigError`. Touches no device but to detect.

        They run at once if the app has been started.
        """
        with self._loads:
            plugins, config = self._read_config()
            self.redactor.hide(config.secrets)
            self._apply(plugins, config)
            self.loading = False

    def start(self) -> None:
        """Start collecting."""
        with self._lock:
            self._started = True
            self._apply_history()
            self.outputs.start()
            for runner in self.runners.values():
                runner.start()
        self.watchdog.start()

    def reload(self) -> None:
        """Read the configuration again. Collectors whose part of it did not change go on undisturbed.

        Raises `ConfigError` and leaves everything as it was when the file is bad.
        """
        with self._loads:
            try:
                plugins, config = self._read_config()
            except ConfigError:
                self.state.reload_success = False
                self._publish_state()
                raise
            self.redactor.hide(config.secrets)
            self._warn_of_fixed_settings(config)
            self._apply(plugins, config)
            self._apply_history()
        self.history.record_event("reload", "energy-collector", "configuration reloaded")
        log.info("configuration reloaded: %d collectors run", len(self.runners))

    def add(self, instance: Instance) -> Runner:
        """Build one more collector, for commands that run it themselves.

        Raises `DeclarationError`, `PluginFailed` for what its constructor raises, `StillBusy` where that hangs.
        """
        collector, labels = self._construct(instance)
        runner = Runner(
            instance,
            collector,
            self.exposition,
            self.clock,
            labels=labels,
            tell=self._tell,
            keeps_running=self._keeps_running,
        )
        with self._lock:
            self.runners = {**self.runners, instance.name: runner}
            if self._stopped:
                runner.stop()
        return runner

    def _construct(self, instance: Instance) -> tuple[Collector[Any], Mapping[str, str]]:
        def work() -> tuple[Collector[Any], Mapping[str, str]]:
            collector = instance.build(
                clock=self.clock,
                root=self.root,
                energy_meters=self.energy_meters,
                published=self.exposition.published,
                keeps_running=self._keeps_running,
                redact=self.redactor,
                wake=lambda: self._wake(instance.name),
                record_event=lambda kind, text: self.history.record_event(kind, instance.name, self.redactor(text)),
                history=self.history.past,
            )
            return collector, dict(collector.labels)

        what = f"collector {instance.name}: its constructor"
        return self.attempts.make(what, instance, instance.type.__module__, work)

    def _wake(self, name: str) -> None:
        if runner := self.runners.get(name):
            runner.wake()

    def routes_of(self, runner: Runner) -> Sequence[web.AbstractRouteDef]:
        """The HTTP routes that a collector adds; raises `PluginFailed` and `StillBusy`."""
        what = f"collector {runner.instance.name}: collector_routes()"
        return self.attempts.make(what, runner, runner.instance.type.__module__, runner.hooks.routes)

    def add_fitting(self, types: Iterable[type[Collector[Any]]]) -> None:
        """Build collectors of these types too, with their defaults, where they have anything to do here."""
        instances, idle = self._fitting(types)
        for instance in instances:
            self._build(instance, idle)
        self.idle += tuple(idle)

    def show_health_of(self, shown: Collection[Runner]) -> None:
        """Withdraw the `collector_*` of all other collectors and plugins, for commands that were asked for some."""
        for runner in self.runners.values():
            if runner not in shown:
                runner.withdraw_health()
        for source in self._down:
            source.close()
        plugins = {runner.instance.type.name for runner in shown}
        self.state.plugins = {name: version for name, version in self.state.plugins.items() if name in plugins}
        self.state.broken = ()
        self._source.publish(self.state.snapshot())

    def energy_meters(self) -> list[EnergyMeter]:
        """What the running collectors hand over at this moment."""
        meters = [meter for runner in self.runners.values() for meter in runner.energy_meters()]
        feeds = self.config.settings.feeds
        return [fed(meter, feeds) for meter in meters] if feeds else meters

    def _tell(self, report: RunReport) -> None:
        """Let the history, the outputs, and the collectors that observe others, know of a run."""
        runners = self.runners  # replaced where one comes or goes, and never changed
        for name, runner in runners.items():
            if name != report.collector:
                runner.hooks.hear(report)
        if reporter := runners.get(report.collector):
            self.history.observe(report, reporter.instance.stale_after)
            if self.outputs.runners:
                health = Published(health_source(report.collector), {}, reporter.health.snapshot())
                self.outputs.hear(report.ended_at, report.published, health)

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Stop everything within `timeout` seconds; returns whether every thread has ended."""
        self.watchdog.stop()
        with self._lock:
            self._stopped = True
            runners = [*self.runners.values(), *self._retired.runners]
            self.runners = {}
        for runner in runners:
            runner.stop()
        deadline = self.clock.monotonic() + timeout
        ended = [runner.join(max(0.0, deadline - self.clock.monotonic())) for runner in runners]
        ended.append(self.outputs.stop(max(OUTPUT_STOP_SECONDS, deadline - self.clock.monotonic())))
        ended.append(self.history.stop(deadline - self.clock.monotonic()))
        return all(ended)

    def _read_config(self) -> tuple[Plugins, Config]:
        hook = "collector_demo_types" if self._demo else "collector_types"
        plugins, config = load(self._config_file, hook=hook, attempts=self.attempts)
        log_broken(plugins, self.plugins)
        return plugins, config

    def _apply(self, plugins: Plugins, config: Config) -> None:
        self.plugins, self.config = plugins, config
        instances, idle = self._wanted(config)
        wanted = {instance.name: instance for instance in instances}
        for source in self._down:
            source.close()  # whoever could not run may run now, with metrics of its own
        with self._lock:
            kept = {name: runner for name, runner in self.runners.items() if wanted.get(name) == runner.instance}
            for name in self.runners.keys() - kept.keys():
                self._retired.add(self.runners[name])
            self.runners = kept
        if self._keeps_running:  # before collectors are built, who run at once: outputs are to hear of the first runs
            self.outputs.apply(config.outputs, config.unloadable_outputs, self.root)
        for name, instance in wanted.items():
            if name not in kept:
                self._build(instance, idle)
        self.idle = tuple(idle)
        self._look_after()
        self.state.reload_success = True
        self.state.reload_time = self.clock.time()
        self._down = [self._show_as_down(each) for each in idle if each.wanted]
        self._publish_state()

    def watch(self, ticking: Ticking) -> None:
        """Have the watchdog look after this, too."""
        self._watched.append(ticking)
        self._look_after()

    def _look_after(self) -> None:
        with self._lock:  # the last one to say who they are must know of all
            self.watchdog.replace((*self.runners.values(), *self._watched, *self.outputs.runners.values()))

    def _apply_history(self) -> None:
        options = self.config.settings.history
        if options and self._demo:
            options = options.of_demo
        if self._keeps_history:
            self.history.apply(options)

    def _wanted(self, config: Config) -> tuple[list[Instance], list[Idle]]:
        if config.instances is not None:
            return list(config.instances), [_unloadable(each) for each in config.unloadable]
        types = self.plugins.types.values()
        if self._demo:
            return self._simulated(types)
        instances, idle = self._fitting(types)
        late = (plugin for plugin in self.plugins.unloaded.values() if plugin.reason is Reason.TIMEOUT)
        idle += (Idle(each.name, each.name, each.reason, each.error, each.fix, wanted=True) for each in late)
        return instances, idle

    def _simulated(self, types: Iterable[type[Collector[Any]]]) -> tuple[list[Instance], list[Idle]]:
        instances: list[Instance] = []
        idle: list[Idle] = []
        for cls in types:
            try:
                instance = default_instance(cls, self.attempts)
            except CollectorError as error:
                idle.append(Idle(cls.name, cls.name, reason_of(error), describe(error), fix_of(error), wanted=True))
            else:
                instances.append(replace(instance, labels=tuple(DEMO_LABELS.items())))
        return instances, idle

    def _fitting(self, types: Iterable[type[Collector[Any]]]) -> tuple[list[Instance], list[Idle]]:
        instances, absent = default_instances(types, self.root, self.clock, self.attempts)
        idle = [
            Idle(name, name, why.reason, why.detail, why.fix, wanted=isinstance(why, StillBusy))
            for name, why in absent.items()
        ]
        return list(instances), idle

    def _build(self, instance: Instance, idle: list[Idle]) -> None:
        """Add a runner, or a note why there is none: one collector that cannot be built harms no other."""
        plugin = instance.type.name
        hung = self._retired.hung(instance.name)
        if hung >= MAX_ABANDONED:
            detail, fix = f"{hung} of its threads are hung; not started again", "restart energy-collector"
            log.error("collector %s: %s; fix: %s", instance.name, detail, fix)
            idle.append(Idle(instance.name, plugin, Reason.TIMEOUT, detail, fix, wanted=True))
            return
        try:
            runner = self.add(instance)
        except StillBusy as busy:
            idle.append(Idle(instance.name, plugin, busy.reason, busy.detail, busy.fix, wanted=True))
            return
        except CollectorError as error:
            log.error("collector %s cannot be built: %s", instance.name, describe(error))  # noqa: TRY400 - one line
            idle.append(Idle(instance.name, plugin, Reason.BAD_DATA, describe(error), wanted=True))
            return
        if self._started and not self._stopped:
            runner.start()
            self._look_after()

    def _show_as_down(self, idle: Idle) -> Source:
        source = self.exposition.source(health_source(idle.name), HEALTH)
        source.publish(Health(idle.name, idle.plugin, up=False, reason=idle.reason).snapshot())
        return source

    def _publish_state(self) -> None:
        self.state.plugins = {plugin.name: plugin.version for plugin in self.plugins.all if not plugin.error}
        self.state.broken = tuple(self.plugins.unloaded)
        self.state.abandoned = self._retired.hung()
        self._show_state()

    def _show_state(self) -> None:
        with self._lock:
            self._source.publish(self.state.snapshot())

    def show_certificate_expiry(self, seconds: float | None) -> None:
        """The web server's certificate expires then, in seconds since 1970."""
        self.state.certificate_expiry = seconds
        self._show_state()

    def _show_abandoned(self, number: int) -> None:
        if number != self.state.abandoned:
            self.state.abandoned = number
            self._show_state()

    def count_loop_stall(self) -> None:
        """The event loop of the web server stood still."""
        self.state.loop_stalls += 1
        self._show_state()

    def _warn_of_fixed_settings(self, config: Config) -> None:
        old, new = self.config.settings, config.settings
        for key in ("listen", "probe_listen", "allowed_hosts", "web_config", "root"):
            if getattr(old, key) != getattr(new, key):
                log.warning("%s has changed; it takes effect after a restart", key)


def _unloadable(collector: Unloadable) -> Idle:
    plugin = collector.plugin
    return Idle(collector.name, plugin.name, plugin.reason, plugin.error, plugin.remedy, wanted=True)

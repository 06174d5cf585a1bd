"""Alerts: rules over what all collectors show, and channels that tell somebody."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Clock, Collector, Context, NotAvailable, Readings, Reason, Subcommands, hookimpl
from collector_plugins.alerts import metrics
from collector_plugins.alerts.alert import INSTANCE, Alert
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.defaults import rules_of
from collector_plugins.alerts.machine import Flapping, Machine
from collector_plugins.alerts.outbox import Outbox
from collector_plugins.alerts.store import IN_MEMORY, Store, file_of
from collector_plugins.alerts.watching import Watching

if TYPE_CHECKING:
    from aiohttp import web

MAX_GAP_INTERVALS = 3  # what happened while nobody looked for longer than that counts for nothing
PATIENCE = 0.1  # of the time that a run may take, for deliveries that begin in it

_FIX = "add `alerts: {options: {channels: {ops: {type: webhook, url: …}}}}` below `collectors:`"


class SteadyClock:
    """Seconds since 1970 that never jump: the wall clock as it was at the start, and what has passed since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.time() - clock.monotonic()

    def now(self) -> float:
        """The time."""
        return self._offset + self._clock.monotonic()


class Alerts(Collector[Config]):
    """Watches what all collectors show, and tells whoever should know."""

    name = "alerts"
    metrics = metrics.ALL
    config_type = Config
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._rules = tuple(rules_of(config))
        labels = {**config.labels, INSTANCE: config.instance or socket.gethostname()}
        self._watching = Watching(self._rules, labels)
        self._clock = SteadyClock(ctx.clock)
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in config.channels}
        self._machine = self._new_machine()
        self._outbox: Outbox | None = None
        self._started = 0.0
        self._active: tuple[Alert, ...] = ()
        self._pending: tuple[Alert, ...] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: somebody must be told."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "runs only when the configuration says who is told", fix=_FIX)

    async def open(self) -> None:
        """Go on where the last process ended; raises `NotAvailable` where its state cannot be kept."""
        await self.close()
        now = self._clock.now()
        self._started = now
        store = self.open_store()
        try:
            state = store.load()
            self._machine = self._new_machine()
            self._machine.restore(state.rules, now)
            self._outbox = Outbox(self.config, self.ctx, store, self._counts)
            self._outbox.restore(state, now)
        except BaseException:
            store.close()
            raise

    def open_store(self) -> Store:
        """Where alerts survive a restart; a program that looks once leaves that to the service."""
        if not self.ctx.keeps_running:
            return Store(IN_MEMORY)
        return Store(file_of(self.config.state, self.ctx.name))

    async def collect(self, out: Readings) -> None:
        """Look at everything once, and begin to tell what is due."""
        assert self._outbox is not None  # noqa: S101 - open has made it
        now = self._clock.now()
        starting = now - self._started < self.config.startup_grace
        seen = self._watching.look(self.ctx.published(), self._machine.memory.entries, starting=starting)
        self._machine.step(now, seen, {rule.alert for rule in self._rules})
        self._active, self._pending = tuple(self._machine.firing), tuple(self._machine.pending)
        self._outbox.take(now, self._active)
        with out.part(state=self.ctx.name):
            self._outbox.save(self._machine.memory)
        if self.ctx.keeps_running:
            await self._deliver(self._outbox)
        self._publish(out, self._outbox)

    async def close(self) -> None:
        """Stop delivering; what waits is kept for the next time."""
        if self._outbox:
            outbox, self._outbox = self._outbox, None
            await outbox.close(self._machine.memory)

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`GET /api/v1/alerts`."""
        from collector_plugins.alerts.routes import routes  # noqa: PLC0415 - only a server needs it

        return routes(lambda: (self._active, self._pending))

    def _new_machine(self) -> Machine:
        config = self.config
        flapping = Flapping(config.flap_starts, config.flap_window, config.flap_calm)
        return Machine(flapping, max_gap=MAX_GAP_INTERVALS * self.ctx.interval, grace=config.startup_grace)

    async def _deliver(self, outbox: Outbox) -> None:
        """Begin what is due; what goes quickly is counted in this run, the rest in a later one."""
        if tasks := outbox.start():
            await asyncio.wait(tasks, timeout=PATIENCE * self.ctx.timeout)

    def _publish(self, out: Readings, outbox: Outbox) -> None:
        active, pending = _by_rule(self._active), _by_rule(self._pending)
        for rule in self._rules:
            labels = {"alert": rule.alert, "severity": rule.severity.value}
            out.add_row((metrics.ACTIVE, metrics.PENDING), (active[rule.alert], pending[rule.alert]), **labels)
        out.add(metrics.RULES, len(self._rules))
        out.add(metrics.UNTRACKED, self._machine.untracked)
        for name, delivery in outbox.deliveries.items():
            out.add(metrics.QUEUE_LENGTH, len(delivery), channel=name)
            if delivery.worked is not None:
                out.add(metrics.UP, delivery.worked, channel=name)
            for result in metrics.RESULTS:
                out.add(metrics.NOTIFICATIONS, self._counts[name][result], channel=name, result=result)
        for name, error in outbox.failures():
            with out.part(channel=name):
                raise error


class DemoAlerts(Alerts):
    """The same rules over simulated readings; has no channels, so it tells nobody, and leaves no file."""

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Always there."""
        del ctx
        return None

    def open_store(self) -> Store:
        """Nothing is kept."""
        return Store(IN_MEMORY)


def _by_rule(alerts: Iterable[Alert]) -> Counter[str]:
    return Counter(alert.name for alert in alerts)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collector of this plugin."""
    return (Alerts,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The collector of the demo."""
    return (DemoAlerts,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector alerts test` and `energy-collector alerts list`."""
    from collector_plugins.alerts import commands  # noqa: PLC0415 - nothing else needs them

    subcommands.add_own("test", commands.test)
    subcommands.add_own("list", commands.list_alerts)

"""Alerts: rules over everything the collectors publish, and channels that notify people."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, PageSection, Readings, Reason, Subcommands, hookimpl
from collector_core.storage import Database
from collector_plugins.alerts import metrics
from collector_plugins.alerts.alert import INSTANCE, Alert
from collector_plugins.alerts.alert_state import AlertStateMachine, FlapDetection
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.defaults import rules_of
from collector_plugins.alerts.delivery_queue import DeliveryResult
from collector_plugins.alerts.dispatcher import Dispatcher
from collector_plugins.alerts.rule_evaluator import RuleEvaluator
from collector_plugins.alerts.store import AlertStore, state_file

if TYPE_CHECKING:
    from aiohttp import web

MAX_GAP_INTERVALS = 3  # a longer gap between two runs counts as this long: nobody saw what happened in it
DELIVERY_SHARE = 0.1  # of a run's timeout, for deliveries to finish within the run that starts them

_FIX = "add `alerts: {options: {channels: {ops: {type: webhook, url: …}}}}` to `collectors:`"


class Alerts(Collector[Config]):
    """Evaluates rules over everything the collectors publish, and notifies channels of what fires."""

    name = "alerts"
    metrics = metrics.ALL
    config_type = Config
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._rules = tuple(rules_of(config))
        labels = {**config.labels, INSTANCE: config.instance or socket.gethostname()}
        self._evaluator = RuleEvaluator(self._rules, labels)
        self._clock_offset = ctx.clock.time() - ctx.clock.monotonic()
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in config.channels}
        self._machine = self._new_machine()
        self._dispatcher: Dispatcher | None = None
        self._opened_at = 0.0
        self._damaged = self._corrupt_files = 0
        self._firing: tuple[Alert, ...] = ()
        self._pending: tuple[Alert, ...] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: only the configuration can say whom to notify."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "disabled by default: somebody has to be notified", fix=_FIX)

    async def open(self) -> None:
        """Continue where the last process stopped; raises `NotAvailable` if its state cannot be kept."""
        await self.close()
        now = self._now()
        self._opened_at = now
        store = self.open_store()
        try:
            state = store.load_state()
            self._machine = self._new_machine()
            self._machine.restore_states(state.alerts, now)
            self._dispatcher = Dispatcher(self.config, self.ctx, store, self._counts)
            self._dispatcher.restore_state(state, now)
            self._report_damage(store)
        except BaseException:
            store.close()
            raise

    def open_store(self) -> AlertStore:
        """Where alerts survive a restart; a program that runs once leaves that file to the service."""
        if not self.ctx.keeps_running:
            return AlertStore(Database.IN_MEMORY)
        return AlertStore(state_file(self.config.state_folder, self.ctx.name))

    async def collect(self, out: Readings) -> None:
        """Evaluate all rules once, and start the deliveries that are due."""
        assert self._dispatcher is not None  # noqa: S101 - open has made it
        self._advance_alerts(self._now(), self._dispatcher)
        with out.part(state=self.ctx.name):
            self._dispatcher.save_state(self._machine.states)
        if self.ctx.keeps_running:
            await self._deliver(self._dispatcher)
        self._publish(out, self._dispatcher)

    async def close(self) -> None:
        """Stop delivering; what waits is kept for the next process."""
        if self._dispatcher:
            dispatcher, self._dispatcher = self._dispatcher, None
            await dispatcher.close(self._machine.states)

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`GET /api/v1/alerts`."""
        from collector_plugins.alerts.routes import build_routes  # noqa: PLC0415 - only a server needs it

        return build_routes(lambda: (self._firing, self._pending))

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """The alerts that fire, with the words of the default rules in German."""
        from collector_plugins.alerts.page import section  # noqa: PLC0415 - only a page needs it

        return [section(self._firing)]

    def _now(self) -> float:
        """Seconds since 1970 that never jump: the wall clock at the start, plus the time that has passed since."""
        return self._clock_offset + self.ctx.clock.monotonic()

    def _report_damage(self, store: AlertStore) -> None:
        self._damaged += store.damaged
        self._corrupt_files = store.corrupt_files
        if store.set_aside:
            self.ctx.logger.warning(
                "the state file was damaged and is now %s; what can be read goes on", store.set_aside
            )
        if store.damaged:
            self.ctx.logger.warning("%d records of the saved state cannot be read and are left out", store.damaged)

    def _new_machine(self) -> AlertStateMachine:
        config = self.config
        flap_detection = FlapDetection(config.flap_starts, config.flap_window, config.flap_calm)
        max_gap = MAX_GAP_INTERVALS * self.ctx.interval
        return AlertStateMachine(flap_detection, max_gap=max_gap, grace=config.startup_grace)

    def _advance_alerts(self, now: float, dispatcher: Dispatcher) -> None:
        starting = now - self._opened_at < self.config.startup_grace
        tracked = self._machine.states.tracked.keys()
        evaluations = self._evaluator.evaluate_rules(self.ctx.published(), tracked, starting=starting)
        before = {alert.id: alert for alert in self._machine.firing_alerts}
        self._machine.apply_evaluations(now, evaluations, {rule.alert for rule in self._rules})
        self._record_changes(before, {alert.id: alert for alert in self._machine.firing_alerts})
        self._firing, self._pending = tuple(self._machine.firing_alerts), tuple(self._machine.pending_alerts)
        dispatcher.dispatch_alerts(now, self._firing)

    def _record_changes(self, before: Mapping[str, Alert], after: Mapping[str, Alert]) -> None:
        for key in after.keys() - before.keys():
            self.ctx.record_event("alert", f"{after[key].name} fires: {after[key].summary}")
        for key in before.keys() - after.keys():
            self.ctx.record_event("alert", f"{before[key].name} is over: {before[key].summary}")

    async def _deliver(self, dispatcher: Dispatcher) -> None:
        """Start what is due; what finishes quickly is counted in this run, the rest in a later one."""
        if tasks := dispatcher.start_deliveries():
            await asyncio.wait(tasks, timeout=DELIVERY_SHARE * self.ctx.timeout)

    def _publish(self, out: Readings, dispatcher: Dispatcher) -> None:
        firing, pending = _count_by_rule(self._firing), _count_by_rule(self._pending)
        for rule in self._rules:
            labels = {"alert": rule.alert, "severity": rule.severity.value}
            out.add_row((metrics.ACTIVE, metrics.PENDING), (firing[rule.alert], pending[rule.alert]), **labels)
        out.add(metrics.RULES, len(self._rules))
        out.add(metrics.DAMAGED, self._damaged)
        out.add(metrics.CORRUPT_FILES, self._corrupt_files)
        out.add(metrics.UNTRACKED, self._machine.untracked_series)
        for name, channel in dispatcher.channels.items():
            out.add(metrics.QUEUE_LENGTH, len(channel), channel=name)
            if channel.delivery.is_up is not None:
                out.add(metrics.UP, channel.delivery.is_up, channel=name)
            for result in DeliveryResult:
                out.add(metrics.NOTIFICATIONS, self._counts[name][result], channel=name, result=result.value)
        for name, error in dispatcher.channel_failures():
            with out.part(channel=name):
                raise error.with_traceback(None)  # the same one in each run: its traceback would grow


class DemoAlerts(Alerts):
    """The same rules over simulated readings; without channels nobody is notified, and no file is written."""

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Always available."""
        del ctx
        return None

    def open_store(self) -> AlertStore:
        """Nothing is kept."""
        return AlertStore(Database.IN_MEMORY)


def _count_by_rule(alerts: Iterable[Alert]) -> Counter[str]:
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

    subcommands.add_own("test", commands.test_channel)
    subcommands.add_own("list", commands.list_alerts)

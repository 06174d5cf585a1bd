"""Anker Solix solarbanks, power stations, power panels, home energy systems, meters and plugs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from collector_core import Collector, Context, NotAvailable, Readings, Reason, Subcommands, hookimpl
from collector_plugins.solix import cloud, discovery, mapping, metrics
from collector_plugins.solix.account import Account
from collector_plugins.solix.budget import Budget, spread
from collector_plugins.solix.config import Config
from collector_plugins.solix.link import Link
from collector_plugins.solix.mapping import Series
from collector_plugins.solix.merge import Merge, Source
from collector_plugins.solix.poller import Poller
from collector_plugins.solix.polling import REST_EVERY, Polling, Rules
from collector_plugins.solix.privacy import Privacy
from collector_plugins.solix.state import State

PATIENCE = 0.8  # of the time that a run may take: what is not there by then is shown by the next one
STALE_CYCLES = 3  # a reading older than so many cycles of its source is no longer shown
LONGEST_NAME = 100  # characters

_FIX = "add `solix: {options: {email: …, password: {$env: SOLIX_PASSWORD}, country: DE}}` below `collectors:`"


class Thing(NamedTuple):
    """A device or a site as it is labelled."""

    key: str
    labels: dict[str, str]
    kind: str
    firmware: str


class Solix(Collector[Config]):
    """Follows all devices of an Anker account: live values over MQTT, the rest from the cloud."""

    name = "solix"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 20.0
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        password = config.password.get_secret_value() if config.password else None
        self._privacy = Privacy(config.email, password, hash_serials=config.hash_serials)
        self._budget = Budget(ctx.clock, cloud.LOGIN, spread)
        self._merge = Merge(_limits(config))
        self._polling = Polling(_rules(config))
        self._link = Link(ctx.clock, STALE_CYCLES * config.normal_interval, spread)
        self._account: Account | None = None
        self._poller: Poller | None = None
        self._told: set[str] = set()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: it needs an account."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "runs only when the configuration names an account", fix=_FIX)

    def make_account(self) -> Account:
        """The account that the options name; raises `NotAvailable` where the library is missing."""
        if absent := cloud.missing():
            raise absent
        state = State(self.config.state, self.config.email)
        return cloud.AnkerCloud(self.config, state, self._budget, self._privacy, self.ctx.logger)

    async def open(self) -> None:
        """Make ready; the first run logs in."""
        await self.close()
        self._account = self.make_account()
        realtime = self.config.realtime if self.config.mqtt else None
        self._poller = Poller(
            self._account, self._merge, self._polling, self._link, self._privacy, self.ctx.clock, realtime
        )

    async def collect(self, out: Readings) -> None:
        """Start what is due and show what is known; raises `AuthFailed` where the account refuses us."""
        assert self._poller is not None  # noqa: S101 - open has made it
        await self._wait(self._poller)
        if self._poller.refused:
            raise self._poller.refused.with_traceback(None)
        failures = self._poller.failures
        if not self._poller.known and Source.REST in failures:
            raise failures[Source.REST].with_traceback(None)
        things = list(self._things())
        self._observe(things)
        for thing in things:
            self._publish(out, thing)
        self._publish_state(out)
        for source, error in failures.items():
            with out.part(source=source):
                raise error.with_traceback(None)

    async def close(self) -> None:
        """Log out of nothing: the token stays. What was read stays too, until it is stale."""
        if self._poller:
            await self._poller.close()
        self._poller = self._account = None

    async def _wait(self, poller: Poller) -> None:
        """Let what is due go on for a while; the first run has nothing else to show."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while tasks := poller.start():
            most = min(self.ctx.interval, self.ctx.timeout) if poller.known else self.ctx.timeout
            left = started + PATIENCE * most - loop.time()
            if left <= 0:
                break
            await asyncio.wait(tasks, timeout=left)

    def _things(self) -> Iterator[Thing]:
        if not (self._account and self._poller and self._poller.known):
            return
        for site_id, site in self._account.sites().items():
            info = site.get("site_info") or {}
            yield self._thing(site_id, "site", str(info.get("site_name") or ""), "site", "")
        for serial, device in self._account.devices().items():
            name = str(device.get("alias") or device.get("name") or "")
            model, kind = str(device.get("device_pn") or ""), str(device.get("type") or "")
            yield self._thing(serial, model, name, kind, str(device.get("sw_version") or ""))

    def _thing(self, key: str, model: str, name: str, kind: str, firmware: str) -> Thing:
        printable = "".join(letter if letter.isprintable() else " " for letter in name)[:LONGEST_NAME]
        labels = {"device": self._privacy.device(key), "model": model, "name": self._privacy.name(printable, key)}
        return Thing(key, labels, kind, firmware)

    def _observe(self, things: Sequence[Thing]) -> None:
        """Let the polling see every battery, so that a low one makes it faster."""
        now = self.ctx.clock.monotonic()
        batteries = []
        for thing in things:
            values = self._merge.fresh(thing.key, now)
            charge, discharging = values.get(Series(metrics.CHARGE)), mapping.is_discharging(values)
            if charge is not None and discharging is not None:
                batteries.append(thing.key)
                self._polling.observe(thing.key, charge, discharging=discharging)
        self._polling.keep(batteries)

    def _publish(self, out: Readings, thing: Thing) -> None:
        now = self.ctx.clock.monotonic()
        values = self._merge.fresh(thing.key, now)
        for (metric, label), value in values.items():
            extra = {metric.labels[-1]: label} if label else {}
            out.add(metric, value, **thing.labels, **extra)
        discharging = mapping.is_discharging(values)
        if discharging is not None and Series(metrics.CHARGE) in values:
            out.add(metrics.DISCHARGING, discharging, **thing.labels)
            out.add(metrics.LOW, self._polling.is_low(thing.key), **thing.labels)
        for source, age in self._merge.ages(thing.key, now).items():
            out.add(metrics.AGE, age, **thing.labels, source=source)
        out.add(metrics.DEVICE_INFO, **thing.labels, type=thing.kind, firmware=thing.firmware)
        self._tell_unmapped(thing)

    def _publish_state(self, out: Readings) -> None:
        out.add(metrics.FAST, self._polling.fast)
        if self.config.mqtt:
            out.add(metrics.CONNECTED, bool(self._account and self._account.connected))
            out.add(metrics.MESSAGES, self._link.messages)
            out.add(metrics.RESTARTS, self._link.restarts)
        for (endpoint, result), number in self._budget.results.items():
            out.add(metrics.REQUESTS, number, endpoint=endpoint, result=result)

    def _tell_unmapped(self, thing: Thing) -> None:
        """Log once per model what could be a metric and is none."""
        model = thing.labels["model"]
        mqtt = self._poller.messages.get(thing.key) if self._poller else None
        if thing.kind == "site" or model in self._told or (mqtt is None and self.config.mqtt):
            return
        self._told.add(model)
        device = self._account.devices().get(thing.key, {}) if self._account else {}
        found = discovery.fields(thing.kind, device, mqtt or {})
        unmapped = sorted({each.name for each in found if not each.mapped})
        if unmapped:
            self.ctx.logger.info("%s tells more than is shown: %s", model, ", ".join(unmapped))


def _rules(config: Config) -> Rules:
    return Rules(config.normal_interval, config.fast_interval, config.low_charge_ratio, config.high_charge_ratio)


def _limits(config: Config) -> dict[Source, float]:
    mqtt = STALE_CYCLES * config.normal_interval
    return {Source.MQTT: mqtt, Source.REST: mqtt * (REST_EVERY if config.mqtt else 1)}


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collector of this plugin."""
    return (Solix,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.solix.demo import DemoSolix  # noqa: PLC0415 - no other command needs it

    return (DemoSolix,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector solix fields` and `energy-collector solix login`."""
    from collector_plugins.solix import commands  # noqa: PLC0415 - nothing else needs them

    subcommands.add_own("fields", commands.fields)
    subcommands.add_own("login", commands.login)

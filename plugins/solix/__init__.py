"""Anker Solix solarbanks, power stations, power panels, home energy systems, meters and plugs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from collector_core import Collector, Context, EnergyMeter, NotAvailable, Readings, Reason, Subcommands, hookimpl
from collector_plugins.solix import cloud, discovery, mapping, metrics
from collector_plugins.solix.account import Account
from collector_plugins.solix.account_poller import AccountPoller
from collector_plugins.solix.config import Config
from collector_plugins.solix.energymeters import DeviceMeters
from collector_plugins.solix.login_lock import LoginLock
from collector_plugins.solix.mqtt_session import MqttSessionMonitor
from collector_plugins.solix.poll_schedule import REST_EVERY, PollSchedule, ScheduleRules
from collector_plugins.solix.reading_cache import ReadingCache, ReadingSource
from collector_plugins.solix.redaction import Redaction
from collector_plugins.solix.request_budget import RequestBudget
from collector_plugins.solix.series import Series
from collector_plugins.solix.tables import TABLES
from collector_plugins.solix.token_store import TokenStore
from collector_plugins.solix.totals import with_totals

PATIENCE = 0.8  # of the time that a run may take; what arrives later is shown by the next run
STALE_CYCLES = 3  # a reading older than this many cycles of its source is no longer shown
LONGEST_NAME = 100  # characters

_FIX = "add `solix: {options: {email: …, password: {$env: SOLIX_PASSWORD}, country: DE}}` below `collectors:`"


class LabelledDevice(NamedTuple):
    """A device, or a site, with its labels."""

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
    only_configured = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        password = config.password.get_secret_value() if config.password else None
        self._redaction = Redaction(config.email, password, hash_serials=config.hash_serials)
        self._budget = RequestBudget(ctx.clock, cloud.LOGIN)
        self._cache = ReadingCache(_cache_limits(config))
        self._schedule = PollSchedule(_schedule_rules(config))
        self._session_monitor = MqttSessionMonitor(ctx.clock, STALE_CYCLES * config.normal_interval)
        self._account: Account | None = None
        self._poller: AccountPoller | None = None
        self._meters = DeviceMeters(ctx.interval)
        self._logged_models: set[str] = set()
        self._was_fast: bool | None = None
        self._logged_kinds: set[str] = set()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Disabled by default: it needs an account."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "disabled by default: it needs an Anker account", fix=_FIX)

    def make_account(self) -> Account:
        """The account that the options name; raises `NotAvailable` where the library is missing."""
        if absent := cloud.missing():
            raise absent
        tokens = TokenStore(self.config.state, self.config.email)
        lock = LoginLock(tokens.lock, self.ctx.clock)
        return cloud.AnkerCloud(self.config, tokens, lock, self._budget, self._redaction, self.ctx.http)

    async def open(self) -> None:
        """Prepare; the first run logs in."""
        await self.close()
        self._account = self.make_account()
        realtime = self.config.realtime if self.config.mqtt else None
        self._poller = AccountPoller(
            self._account, self._cache, self._schedule, self._session_monitor, self._redaction, self.ctx.clock, realtime
        )

    async def collect(self, out: Readings) -> None:
        """Start what is due and show what is known; raises `AuthFailed` where the cloud refuses the account."""
        assert self._poller is not None  # noqa: S101 - open has made it
        await self._wait(self._poller)
        if self._poller.refused:
            raise self._poller.refused.with_traceback(None)
        failures = self._poller.failures
        if not self._poller.knows_devices and ReadingSource.REST in failures:
            raise failures[ReadingSource.REST].with_traceback(None)
        devices = list(self._labelled_devices())
        self._observe_batteries(devices)
        self._meters.begin_run()
        for device in devices:
            self._publish_device(out, device)
        self._publish_state(out)
        for source, error in failures.items():
            with out.part(source=source):
                raise error.with_traceback(None)

    async def close(self) -> None:
        """End the MQTT session. The token stays valid, and readings are shown until they are stale."""
        if self._poller:
            await self._poller.close()
        self._poller = self._account = None

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """What batteries and plugs give to those that they feed."""
        return self._meters.offered

    async def _wait(self, poller: AccountPoller) -> None:
        """Give due jobs some time; the first run has nothing else to show."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while tasks := poller.start_due_jobs():
            most = min(self.ctx.interval, self.ctx.timeout) if poller.knows_devices else self.ctx.timeout
            left = started + PATIENCE * most - loop.time()
            if left <= 0:
                break
            await asyncio.wait(tasks, timeout=left)

    def _labelled_devices(self) -> Iterator[LabelledDevice]:
        if not (self._account and self._poller and self._poller.knows_devices):
            return
        for site_id, site in self._account.sites().items():
            info = site.get("site_info") or {}
            yield self._label_device(site_id, "site", str(info.get("site_name") or ""), "site", "")
        for serial, device in self._account.devices().items():
            name = str(device.get("alias") or device.get("name") or "")
            model, kind = str(device.get("device_pn") or ""), str(device.get("type") or "")
            yield self._label_device(serial, model, name, kind, str(device.get("sw_version") or ""))

    def _label_device(self, key: str, model: str, name: str, kind: str, firmware: str) -> LabelledDevice:
        printable = "".join(letter if letter.isprintable() else " " for letter in name)[:LONGEST_NAME]
        shown_name = self._redaction.name_label(printable, key)
        labels = {"device": self._redaction.device_label(key), "model": model, "name": shown_name}
        return LabelledDevice(key, labels, kind, firmware)

    def _observe_batteries(self, devices: Sequence[LabelledDevice]) -> None:
        """Hand every battery to the schedule: a low one makes it faster."""
        now = self.ctx.clock.monotonic()
        batteries = []
        for device in devices:
            values = self._values_of(device, now)
            charge, discharging = values.get(Series(metrics.CHARGE)), mapping.is_discharging(values)
            if charge is not None and discharging is not None:
                batteries.append(device.key)
                self._schedule.observe_battery(device.key, charge, discharging=discharging)
        self._schedule.keep_batteries(batteries)

    def _values_of(self, device: LabelledDevice, now: float) -> dict[Series, float]:
        """What is known of a device at `now` (monotonic seconds), with the totals of what it reports in parts."""
        return with_totals(device.kind, self._cache.fresh_values(device.key, now))

    def _publish_device(self, out: Readings, device: LabelledDevice) -> None:
        now = self.ctx.clock.monotonic()
        values = self._values_of(device, now)
        self._meters.record(device.labels["name"] or device.labels["device"], values, now)
        for (metric, label), value in values.items():
            extra = {metric.labels[-1]: label} if label else {}
            out.add(metric, value, **device.labels, **extra)
        discharging = mapping.is_discharging(values)
        if discharging is not None and Series(metrics.CHARGE) in values:
            out.add(metrics.DISCHARGING, discharging, **device.labels)
            out.add(metrics.LOW, self._schedule.is_low(device.key), **device.labels)
        for source, age in self._cache.source_ages(device.key, now).items():
            out.add(metrics.AGE, age, **device.labels, source=source)
        out.add(metrics.DEVICE_INFO, **device.labels, type=device.kind, firmware=device.firmware)
        self._log_unsupported_class(device)
        self._log_unmapped_fields(device)

    def _publish_state(self, out: Readings) -> None:
        is_fast = self._schedule.is_fast
        if self._was_fast not in (None, is_fast):
            self.ctx.record_event("mode", f"polling mode is {'FAST' if is_fast else 'normal'} now")
        self._was_fast = is_fast
        out.add(metrics.FAST, is_fast)
        if self.config.mqtt:
            out.add(metrics.CONNECTED, bool(self._account and self._account.connected))
            out.add(metrics.MESSAGES, self._session_monitor.messages)
            out.add(metrics.RESTARTS, self._session_monitor.restarts)
        for (endpoint, result), number in self._budget.results.items():
            out.add(metrics.REQUESTS, number, endpoint=endpoint, result=result)

    def _log_unsupported_class(self, device: LabelledDevice) -> None:
        """Log once per class that nothing is read of its devices; at a level that `doctor` shows, too."""
        if device.kind in TABLES or device.kind == "site" or device.kind in self._logged_kinds:
            return
        self._logged_kinds.add(device.kind)
        self.ctx.logger.error(
            "devices of the class %s (%s) are not supported: solix_device_info is all that is shown of them; "
            "`energy-collector solix fields` lists what they report",
            device.kind or "unknown",
            device.labels["model"],
        )

    def _log_unmapped_fields(self, device: LabelledDevice) -> None:
        """Log once per model which numeric fields no metric shows."""
        model = device.labels["model"]
        mqtt = self._poller.messages.get(device.key) if self._poller else None
        if device.kind == "site" or model in self._logged_models or (mqtt is None and self.config.mqtt):
            return
        self._logged_models.add(model)
        fields = self._account.devices().get(device.key, {}) if self._account else {}
        found = discovery.fields(device.kind, fields, mqtt or {})
        unmapped = sorted({each.name for each in found if not each.mapped})
        if unmapped:
            self.ctx.logger.info("%s reports fields that are not shown: %s", model, ", ".join(unmapped))


def _schedule_rules(config: Config) -> ScheduleRules:
    return ScheduleRules(
        config.normal_interval, config.fast_interval, config.low_charge_ratio, config.high_charge_ratio
    )


def _cache_limits(config: Config) -> dict[ReadingSource, float]:
    mqtt = STALE_CYCLES * config.normal_interval
    return {ReadingSource.MQTT: mqtt, ReadingSource.REST: mqtt * (REST_EVERY if config.mqtt else 1)}


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

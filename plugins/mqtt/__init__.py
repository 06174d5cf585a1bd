"""Plugs and meters that publish over MQTT, or announce themselves to Home Assistant; and sensors for Home Assistant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from collector_core import BaseOutput, Collector, Context, EnergyMeter, NotAvailable, Readings, hookimpl
from collector_core.devices import Device, DeviceMeters, DeviceMetrics, DeviceReading, place_of
from collector_core.metering import Supply
from collector_plugins.mqtt.broker import is_open
from collector_plugins.mqtt.client import Connection
from collector_plugins.mqtt.config import PORTS, Config
from collector_plugins.mqtt.home_assistant import HomeAssistant
from collector_plugins.mqtt.inbox import Inbox
from collector_plugins.mqtt.messages import Dialects

METRICS = DeviceMetrics("mqtt")
CONNECT = 0.5  # of the timeout
FIRST_MESSAGES = 0.4  # of the timeout, that a program which looks once waits for them
QUIET = 0.3  # seconds without another one, after which it does not


class Mqtt(Collector[Config]):
    """Shows what devices said last, for as long as it holds."""

    name = "mqtt"
    metrics = METRICS.metrics
    config_type = Config
    default_interval = 5.0
    default_timeout = 10.0
    default_max_series = 20_000
    probe_port = PORTS["mqtt"]
    only_configured = True

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A broker, for `energy-collector find`: the options to read it with."""
        url = f"mqtt://{place_of(host, port).removesuffix(':1883')}"
        return {"url": url} if await is_open(host, port) else {"url": url, "username": None, "password": None}

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._entries: dict[str, Device] = {
            name: Device(name=name, feeds=feeds) for name, feeds in config.device_feeds().items()
        }
        self._dialects = Dialects(config)
        self._inbox = Inbox(
            [device.name for device in config.devices], stale_after=config.stale_after, max_devices=config.max_devices
        )
        self._meters = DeviceMeters(self.name, Supply.PLUG, ctx.interval, self._entries.values())
        self._connection: Connection | None = None
        self._heard_at = 0.0

    def open(self) -> None:
        """Connect to the broker; raises `NotAvailable`, or `AuthFailed` where it refuses the login."""
        self._connection = Connection(self.config, self._dialects.filters, self._take, CONNECT * self.ctx.timeout)
        self._connection.open()
        if not self.ctx.keeps_running:
            self._wait_for_first_messages()

    def collect(self, out: Readings) -> None:
        """Show every device; raises `NotAvailable` where there is no connection to the broker."""
        if self._connection:
            self._connection.check()
        now = self.ctx.clock.monotonic()
        self._meters.begin_run()
        for name, said in self._inbox.readings(now).items():
            if isinstance(said, NotAvailable):
                METRICS.health.add_down(out, name, said)
            else:
                self._show(out, name, said, now)

    def close(self) -> None:
        """Hang up; what was said stays."""
        if self._connection:
            self._connection.close()
            self._connection = None

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The devices that tell power or energy; those that are gone know nothing."""
        return self._meters.offered

    def _show(self, out: Readings, name: str, reading: DeviceReading, now: float) -> None:
        METRICS.health.add_up(out, name)
        with out.part(device=name):
            # Many devices tell their power only when it changes: until then it is what they told last.
            self._meters.record(self._device(name), reading.measured, now)
            METRICS.add(out, name, reading, self._meters.counted(name))

    def _device(self, name: str) -> Device:
        if name not in self._entries:
            self._entries[name] = Device.model_construct(name=name, feeds=())
        return self._entries[name]

    def _take(self, topic: str, payload: bytes, is_kept: bool) -> None:
        now, self._heard_at = self.ctx.clock.monotonic(), monotonic()
        for message in self._dialects.parse(topic, payload):
            self._inbox.record(message, now, is_kept=is_kept)
        if self._connection:
            self._connection.follow(self._dialects.announced_by(topic))

    def _wait_for_first_messages(self) -> None:
        until = monotonic() + FIRST_MESSAGES * self.ctx.timeout
        while monotonic() < until and not (self._inbox.has_heard and monotonic() > self._heard_at + QUIET):
            sleep(0.02)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Mqtt,)


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The one output of this plugin."""
    return (HomeAssistant,)

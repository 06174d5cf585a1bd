"""Servers by the Redfish interface of their BMCs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from collector_core import Collector, Context, Field, HttpClient, NotAvailable, Readings, Reason, SecretStr, hookimpl
from collector_core.devices import Device, DevicesConfig, Measured, PolledDevices, place_of
from collector_core.metering import Supply
from collector_plugins.redfish import metrics
from collector_plugins.redfish.bmc import Bmc, Chassis
from collector_plugins.redfish.events import EventStream

STREAM_SECONDS = 86_400.0  # after which the stream is opened anew
STREAM_BYTES = 1 << 40


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("must be the BMC's address without a path, e.g. https://192.0.2.7")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a login: use `username` and `password`")
    return url.rstrip("/")


class Server(Device):
    """A BMC."""

    url: Annotated[str, AfterValidator(_address)] = Field(description="Address of the BMC: https://HOST.")
    username: str = Field(min_length=1, description="User; one that may only read is enough.")
    password: SecretStr = Field(description="Password of the user.")
    verify: bool = Field(True, description="Whether its certificate must be valid; false for one that it made itself.")
    events: bool = Field(False, description="Whether to follow the BMC's stream of events (Server-Sent Events).")


class Config(DevicesConfig[Server]):
    """Options of the redfish plugin."""


class Redfish(PolledDevices[Server, Chassis]):
    """Asks every BMC; each may fail, hang or refuse alone."""

    name = "redfish"
    health = metrics.HEALTH
    metrics = metrics.ALL
    config_type = Config
    default_interval = 15.0  # BMCs are slow: up to a second for each document
    default_timeout = 12.0
    example = '{name: node1, url: "https://192.0.2.7", username: monitor, password: {$env: BMC_PASSWORD}}'
    supply = Supply.CHASSIS
    probe_port = 443

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A BMC: the root of its service is there for everybody."""
        url = f"https://{place_of(host, port).removesuffix(':443')}"
        client = HttpClient()
        try:
            root = await client.get_json(f"{url}/redfish/v1/", verify=False)
        finally:
            await client.close()
        if "RedfishVersion" not in root:
            raise NotAvailable(Reason.NOT_SUPPORTED, "it does not speak Redfish")
        return {"name": host, "url": url, "username": None, "password": None, "verify": False}

    def __init__(self, config: DevicesConfig[Server], ctx: Context) -> None:
        super().__init__(config, ctx)
        self._bmcs = {device.name: Bmc() for device in config.devices}
        self._events = {device.name: self._stream(device) for device in config.devices if device.events}

    async def ask(self, device: Server) -> Chassis:
        """What its BMC says; raises `NotAvailable`, or `AuthFailed` where it refuses the login."""
        answer = await self._bmcs[device.name].read(partial(self._get, device))
        if device.name in self._events and self.ctx.keeps_running:
            self._events[device.name].start()  # not before it is known that the login is right
        return answer

    def measure(self, answer: Chassis) -> Iterator[Measured]:
        """Its power and energy."""
        yield Measured(answer.power, answer.energy)

    def publish(self, out: Readings, device: Server, answer: Chassis) -> None:
        """Show what it says."""
        row = (metrics.POWER, metrics.POWER_LIMIT, metrics.ENERGY)
        out.add_row(row, (answer.power, answer.limit, self.meters.counted(device.name)), device=device.name)
        for sensor, celsius in answer.temperatures.items():
            out.add(metrics.TEMPERATURE, celsius, device=device.name, sensor=sensor)
        if (stream := self._events.get(device.name)) and self.ctx.keeps_running:
            self._publish_events(out, device, stream)

    async def close(self) -> None:
        """Hang up."""
        for stream in self._events.values():
            await stream.close()
        await super().close()

    def _publish_events(self, out: Readings, device: Server, stream: EventStream) -> None:
        out.add(metrics.EVENTS_FOLLOWED, stream.is_followed, device=device.name)
        for severity, count in stream.counts.items():
            out.add(metrics.EVENTS, count, device=device.name, severity=severity)
        if stream.problem:
            with out.part(device=device.name, part="events"):
                raise stream.problem.with_traceback(None)

    def _stream(self, device: Server) -> EventStream:
        async def follow(path: str, feed: Callable[[bytes], None]) -> None:
            await self.ctx.http.request(
                "GET",
                f"{device.url}{path}",
                login=(device.username, device.password),
                verify=device.verify,
                headers={"Accept": "text/event-stream"},
                timeout=STREAM_SECONDS,
                limit=STREAM_BYTES,
                feed=feed,
            )

        def note(text: str) -> None:
            self.ctx.record_event("bmc", f"{device.name}: {text}")

        return EventStream(partial(self._get, device), follow, note)

    async def _get(self, device: Server, path: str) -> Any:
        login = (device.username, device.password)
        return await self.ctx.http.get_json(f"{device.url}{path}", login=login, verify=device.verify, redirects=True)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Redfish,)

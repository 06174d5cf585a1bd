"""Uninterruptible power supplies, read from the servers of Network UPS Tools (NUT)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from collector_core import Collector, Field, NotAvailable, Readings, hookimpl
from collector_core.devices import Address, Device, DevicesConfig, Measured, PolledDevices, place_of
from collector_core.metering import Supply
from collector_plugins.ups import metrics, nut
from collector_plugins.ups.reading import flags, power, readings

Answer: TypeAlias = Mapping[str, "dict[str, str] | NotAvailable"]  # of each UPS: its variables, or why there are none


class Server(Device):
    """An `upsd` with one UPS or several."""

    address: Address = Field(description="Host and port of upsd; without a port 3493.")
    ups: str | None = Field(
        None, pattern=r"^[^\s\"\\]{1,100}$", description="The one UPS to read; default: all of the server."
    )


class Config(DevicesConfig[Server]):
    """Options of the ups plugin."""


class Ups(PolledDevices[Server, Answer]):
    """Reads every UPS of every server; each may fail alone."""

    name = "ups"
    health = metrics.HEALTH
    metrics = metrics.ALL
    config_type = Config
    default_interval = 5.0
    default_timeout = 5.0
    example = "{name: rack, address: localhost}"
    supply = Supply.UPS
    probe_port = nut.PORT

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A server of NUT that lists its UPS."""
        async with nut.connect(host, port) as session:
            await session.names()
        return {"name": host, "address": place_of(host, port)}

    async def ask(self, device: Server) -> Answer:
        """What each UPS of a server says; raises what the first one fails with where all fail."""
        async with nut.connect(device.address.host, device.address.port or nut.PORT) as session:
            names = [device.ups] if device.ups else await session.names()
            answer = {name: await _variables(session, name) for name in names}
        failures = [said for said in answer.values() if isinstance(said, NotAvailable)]
        if failures and len(failures) == len(answer):
            raise failures[0]
        return answer

    def measure(self, answer: Answer) -> Iterator[Measured]:
        """The watts of each UPS."""
        for ups, variables in answer.items():
            if not isinstance(variables, NotAvailable):
                yield Measured(power(variables), part=ups if len(answer) > 1 else "")

    def publish(self, out: Readings, device: Server, answer: Answer) -> None:
        """Show each UPS."""
        for ups, variables in answer.items():
            with out.part(device=device.name, ups=ups):
                if isinstance(variables, NotAvailable):
                    raise variables.with_traceback(None)
                _publish_ups(out, variables, device=device.name, ups=ups)


async def _variables(session: nut.Session, ups: str) -> dict[str, str] | NotAvailable:
    try:
        return await session.variables(ups)
    except NotAvailable as error:
        return error


def _publish_ups(out: Readings, variables: Mapping[str, str], **labels: str) -> None:
    for metric, value in readings(variables).items():
        out.add(metric, value, **labels)
    for flag in flags(variables):
        out.add(metrics.STATUS, 1, **labels, status=flag)
    maker = variables.get("device.mfr") or variables.get("ups.mfr", "")
    model = variables.get("device.model") or variables.get("ups.model", "")
    if maker or model:
        out.add(metrics.INFO, **labels, manufacturer=maker.strip(), model=model.strip())


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Ups,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.ups.demo import DemoUps  # noqa: PLC0415 - no other command needs it

    return (DemoUps,)

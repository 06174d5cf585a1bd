"""The power of servers by DCMI: of this machine through its own BMC, of others over the network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, NamedTuple, Self

from pydantic import model_validator

from collector_core import Collector, Context, Field, NotAvailable, Readings, Reason, SecretStr, hookimpl
from collector_core.devices import Address, Device, DevicesConfig, Measured, PolledDevices, place_of
from collector_core.metering import Supply
from collector_plugins.ipmi import metrics
from collector_plugins.ipmi.dcmi import read_power
from collector_plugins.ipmi.ipmitool import Sensors, parse_power, parse_sensors, run_ipmitool
from collector_plugins.ipmi.presence import ping
from collector_plugins.ipmi.session import Session

PORT = 623
POWER = ("dcmi", "power", "reading")
SENSORS = ("sdr", "elist", "full")
SENSORS_SHARE = 0.25  # of the run's timeout
ATTEMPTS = ("-N", "2", "-R", "2")  # seconds of each, and how often a lost datagram is repeated


class Interface(StrEnum):
    """The way to a BMC."""

    LANPLUS = "lanplus"
    LAN = "lan"
    OPEN = "open"


class Bmc(Device):
    """A BMC."""

    interface: Interface = Field(
        Interface.LANPLUS, description="lanplus (IPMI 2), lan (IPMI 1.5), or open: this machine's own, by its driver."
    )
    address: Address | None = Field(None, description="Host and port of the BMC; without a port 623. Not with open.")
    username: str | None = Field(None, pattern="^[^-\\s][^\\s]{0,19}$", description="User; the role USER is enough.")
    password: SecretStr | None = Field(None, description="Password of the user, of up to 20 characters.")
    sensors: bool = Field(False, description="Whether to read temperatures and power sensors as well: takes seconds.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = (self.address, self.username, self.password)
        if self.interface is Interface.OPEN and any(each is not None for each in given):
            raise ValueError("`interface: open` is this machine's own BMC: it has no address and no login")
        if self.interface is not Interface.OPEN and any(each is None for each in given):
            raise ValueError("needs `address`, `username` and `password`, or `interface: open`")
        if self.address and self.address.host.startswith("-"):
            raise ValueError("`address` must not begin with -")
        return self


class Config(DevicesConfig[Bmc]):
    """Options of the ipmi plugin."""


class BmcReading(NamedTuple):
    """Watts, and the sensors where they were asked for; None where the BMC does not tell them."""

    watts: float | None
    sensors: Sensors | None


class Ipmi(PolledDevices[Bmc, BmcReading]):
    """Asks every BMC at once; each may fail, hang or refuse alone."""

    name = "ipmi"
    health = metrics.HEALTH
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 10.0
    example = "{name: node1, address: 192.0.2.7, username: monitor, password: {$env: BMC_PASSWORD}}"
    supply = Supply.CHASSIS
    probe_port = PORT

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A BMC that answers a ping."""
        await ping(host, port)
        return {"name": host, "address": place_of(host, port), "username": None, "password": None}

    def __init__(self, config: DevicesConfig[Bmc], ctx: Context) -> None:
        super().__init__(config, ctx)
        can_encrypt = find_spec("cryptography") is not None
        sessions = {device.name: _session(device) for device in config.devices if can_encrypt}
        self._sessions = {name: session for name, session in sessions.items() if session}

    async def ask(self, device: Bmc) -> BmcReading:
        """What a BMC tells; raises `NotAvailable`, or `AuthFailed` where it refuses the login."""
        try:
            watts = await self._watts(device)
        except NotAvailable as error:
            if not (device.sensors and error.reason is Reason.NOT_SUPPORTED):
                raise
            watts = None  # a BMC without DCMI may have a sensor
        return BmcReading(watts, await self._sensors(device) if device.sensors else None)

    def measure(self, answer: BmcReading) -> Iterator[Measured]:
        """Its power."""
        yield Measured(answer.watts)

    def publish(self, out: Readings, device: Bmc, answer: BmcReading) -> None:
        """Show what it says."""
        out.add_row((metrics.POWER,), (answer.watts,), device=device.name)
        if answer.sensors:
            for sensor, celsius in answer.sensors.temperatures.items():
                out.add(metrics.TEMPERATURE, celsius, device=device.name, sensor=sensor)
            for sensor, watts in answer.sensors.powers.items():
                out.add(metrics.SENSOR_POWER, watts, device=device.name, sensor=sensor)

    async def close(self) -> None:
        """Hang up; BMCs have few sessions."""
        await super().close()
        for session in self._sessions.values():
            session.close()

    async def _watts(self, device: Bmc) -> float | None:
        """Through a session that is kept; ipmitool knows BMCs that our session has never been able to talk to."""
        session = self._sessions.get(device.name)
        if session is None:
            return parse_power(await _run(device, *POWER))
        try:
            return await read_power(session)
        except NotAvailable as error:
            if session.has_worked:
                raise
            watts = await _through_ipmitool(device, error)
        del self._sessions[device.name]
        return watts

    async def _sensors(self, device: Bmc) -> Sensors | None:
        """None where they take too long: the power is worth more."""
        try:
            async with asyncio.timeout(SENSORS_SHARE * self.ctx.timeout):
                return parse_sensors(await _run(device, *SENSORS))
        except TimeoutError:
            return None


def _session(device: Bmc) -> Session | None:
    """One that can be kept; ipmitool opens one for each reading."""
    if device.interface is not Interface.LANPLUS or not (device.address and device.username and device.password):
        return None
    port = device.address.port or PORT
    return Session(device.address.host, port, device.username, device.password.get_secret_value())


async def _through_ipmitool(device: Bmc, error: NotAvailable) -> float | None:
    """Raises `error` where ipmitool knows no better, and `AuthFailed`."""
    try:
        return parse_power(await _run(device, *POWER))
    except NotAvailable:
        raise error from None


async def _run(device: Bmc, *words: str) -> str:
    secrets = {"IPMI_PASSWORD": device.password.get_secret_value()} if device.password else {}
    return await run_ipmitool([*_way_to(device), *words], secrets)


def _way_to(device: Bmc) -> list[str]:
    """Arguments of ipmitool; the password is in its environment, which others cannot read."""
    way = ["-v", "-I", device.interface]
    if device.address and device.username:
        port = str(device.address.port or PORT)
        way += ["-H", device.address.host, "-p", port, "-U", device.username, "-E", "-L", "USER", *ATTEMPTS]
    return way


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Ipmi,)

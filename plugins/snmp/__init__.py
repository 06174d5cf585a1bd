"""Rack PDUs and UPS by SNMP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector_core import Collector, Context, NotAvailable, Readings, Reason, hookimpl
from collector_core.devices import DevicesConfig, Measured, PolledDevices, place_of
from collector_plugins.snmp import metrics
from collector_plugins.snmp.config import Agent, Config
from collector_plugins.snmp.message import Community, Security
from collector_plugins.snmp.session import Session
from collector_plugins.snmp.tables import Instance, TableReading, find_instances, tables, told_by
from collector_plugins.snmp.usm import User, UserSecurity

PORT = 161
COMMUNITY = "public"
SILENCE_FIX = (
    "check `address`, and `community` or `privacy_password`: devices do not answer a wrong one; "
    "allow this machine on the device"
)
PATIENCE = 0.75  # of the timeout, for all questions to one device
LOOK_AGAIN = 600.0  # seconds, for outlets and units that have been added


@dataclass
class _Known:
    """A device that has been asked before."""

    session: Session
    instances: Sequence[Instance] = ()
    look_again_at: float = 0.0


class Snmp(PolledDevices[Agent, TableReading]):
    """Asks every device at once; each may fall silent or refuse alone."""

    name = "snmp"
    health = metrics.HEALTH
    metrics = metrics.ALL
    config_type = Config
    example = "{name: rack, address: 192.0.2.7, community: {$env: SNMP_COMMUNITY}, table: apc-rpdu2}"
    probe_port = PORT
    silence_fix = SILENCE_FIX

    def __init__(self, config: DevicesConfig[Agent], ctx: Context) -> None:
        super().__init__(config, ctx)
        self._known: dict[str, _Known] = {}

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A PDU or UPS that answers the community `public`."""
        session = await Session.open(host, port, Community(COMMUNITY.encode()))
        try:
            firsts = {name: rows[0].prefix for name, rows in tables().items()}
            there = await session.next_of(list(firsts.values()))
        finally:
            session.close()
        for name, prefix in firsts.items():
            if any(each[: len(prefix)] == prefix for each in there):
                where = {"name": host, "address": place_of(host, port)}
                return where | {"version": "2c", "community": COMMUNITY, "table": name}
        raise NotAvailable(Reason.NOT_SUPPORTED, "neither a PDU nor a UPS that is known")

    async def ask(self, device: Agent) -> TableReading:
        """What its variables say; raises `NotAvailable`, or `AuthFailed` where it refuses the user."""
        known = self._known.get(device.name)
        try:
            async with asyncio.timeout(PATIENCE * self.ctx.timeout):
                if known is None:
                    known = self._known[device.name] = _Known(await self._open(device))
                return await self._read(device, known)
        except BaseException as error:
            self._forget(device.name)  # its address may have changed
            if isinstance(error, TimeoutError):
                raise NotAvailable(Reason.TIMEOUT, "no answer", fix=SILENCE_FIX) from None
            raise

    def measure(self, answer: TableReading) -> Iterator[Measured]:
        """Its power and energy."""
        yield answer.reading.measured

    def publish(self, out: Readings, device: Agent, answer: TableReading) -> None:
        """Show what it says."""
        metrics.METERS.add(out, device.name, answer.reading, self.meters.counted(device.name))
        for word, value in answer.extra.items():
            out.add(metrics.EXTRA[word], value, device=device.name)

    async def close(self) -> None:
        """Ask nothing more."""
        await super().close()
        for name in list(self._known):
            self._forget(name)

    async def _open(self, device: Agent) -> Session:
        return await Session.open(device.address.host, device.address.port or PORT, self._security(device))

    async def _read(self, device: Agent, known: _Known) -> TableReading:
        now = self.ctx.clock.monotonic()
        if now >= known.look_again_at:
            known.instances = await find_instances(known.session, device.rows)
            known.look_again_at = now + LOOK_AGAIN
        if not known.instances:
            raise _nothing(device)
        values = await known.session.get([each.name for each in known.instances])
        if len(values) < len(known.instances):
            known.look_again_at = 0.0  # something has been unplugged
        answer = told_by(known.instances, values)
        if not answer.reading and not answer.extra:
            raise _nothing(device)
        return answer

    def _security(self, device: Agent) -> Security:
        if device.username is None or device.auth_password is None:
            community = device.community.get_secret_value() if device.community else COMMUNITY
            return Community(community.encode())
        privacy = device.privacy_password
        user = User(
            device.username.encode(),
            device.auth_protocol,
            device.auth_password.get_secret_value().encode(),
            privacy.get_secret_value().encode() if privacy else None,
        )
        return UserSecurity(user, self.ctx.clock.monotonic)

    def _forget(self, name: str) -> None:
        if known := self._known.pop(name, None):
            known.session.close()


def _nothing(device: Agent) -> NotAvailable:
    if device.table:
        return NotAvailable(
            Reason.NOT_SUPPORTED,
            f"it has nothing of the table {device.table}",
            fix="try another `table`, or let the community or user read all of it",
        )
    return NotAvailable(
        Reason.NOT_FOUND, "it has none of the `oids`, or no number there", fix="compare them with `snmpwalk`"
    )


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Snmp,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.snmp.demo import DemoSnmp  # noqa: PLC0415 - no other command needs it

    return (DemoSnmp,)

"""Smart meters by their port P1, as of the Netherlands, Belgium and Luxembourg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from typing import Any, Literal, Self

from pydantic import model_validator

from collector_core import Collector, Context, Field, ForeignCounter, Metric, Readings, hookimpl
from collector_core.devices import Address, Device, DevicesConfig, Measured, PolledDevices, place_of
from collector_plugins.dsmr import metrics
from collector_plugins.dsmr.line import PORT, Line, open_serial, open_tcp
from collector_plugins.dsmr.telegram import Telegram

SERIAL_PORTS = "/dev/serial/by-id"


class Meter(Device):
    """A smart meter."""

    address: Address | None = Field(None, description="Host and port of a P1 reader with TCP; without a port 23.")
    serial: str | None = Field(None, pattern="^/", description="Serial port of a P1 cable, instead: /dev/ttyUSB0.")
    baud: Literal[115200, 9600] = Field(115200, description="Speed of the serial port: 9600 for DSMR 2 and 3.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.address is None) == (self.serial is None):
            raise ValueError("give either `address` or `serial`")
        return self


class Config(DevicesConfig[Meter]):
    """Options of the dsmr plugin."""


class Dsmr(PolledDevices[Meter, Telegram]):
    """Listens to every meter; each may fall silent alone."""

    name = "dsmr"
    health = metrics.HEALTH
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 15.0  # older meters send every ten seconds
    example = '{name: house, address: "p1.lan:8088"}'
    probe_port = PORT

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A reader whose meter sends a telegram while `find` waits: those of DSMR 5 send one every second."""
        line = await open_tcp(host, port)
        try:
            await line.newest()
        finally:
            line.close()
        return {"name": host, "address": place_of(host, port).removesuffix(f":{PORT}")}

    @classmethod
    def candidates(cls, ctx: Context) -> Iterator[Mapping[str, Any]]:
        """Serial ports by USB: P1 cables have one, and the owner knows which it is."""
        for port in sorted(ctx.path(SERIAL_PORTS).glob("usb-*")):
            yield {"name": None, "serial": f"{SERIAL_PORTS}/{port.name}"}

    def __init__(self, config: DevicesConfig[Meter], ctx: Context) -> None:
        super().__init__(config, ctx)
        self._lines: dict[str, Line] = {}
        self._counters: dict[tuple[Metric, str, str], ForeignCounter] = {}

    async def ask(self, device: Meter) -> Telegram:
        """Its newest telegram; raises `NotAvailable`."""
        if device.name not in self._lines:
            self._lines[device.name] = await self._open(device)
        try:
            return await self._lines[device.name].newest()
        except BaseException:  # also at its deadline: a line without a telegram is opened anew
            self._lines.pop(device.name).close()
            raise

    def measure(self, answer: Telegram) -> Iterator[Measured]:
        """What it draws from the grid."""
        yield Measured(answer.import_watts, fsum(answer.import_joules.values()) if answer.import_joules else None)

    def publish(self, out: Readings, device: Meter, answer: Telegram) -> None:
        """Show what it says."""
        row = (metrics.IMPORT_POWER, metrics.EXPORT_POWER)
        out.add_row(row, (answer.import_watts, answer.export_watts), device=device.name)
        out.add(metrics.INFO, device=device.name, meter=answer.meter, tariff=answer.tariff)
        self._count(out, metrics.IMPORT_ENERGY, answer.import_joules, device=device.name, label="tariff")
        self._count(out, metrics.EXPORT_ENERGY, answer.export_joules, device=device.name, label="tariff")
        self._count(out, metrics.GAS, answer.gas, device=device.name, label="channel")
        for metric, values in (
            (metrics.PHASE_POWER, answer.phase_watts),
            (metrics.PHASE_VOLTAGE, answer.phase_volts),
            (metrics.PHASE_CURRENT, answer.phase_amperes),
        ):
            for phase, value in values.items():
                out.add(metric, value, device=device.name, phase=phase)

    async def close(self) -> None:
        """Hang up."""
        await super().close()
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _count(self, out: Readings, metric: Metric, values: Mapping[str, float], *, device: str, label: str) -> None:
        for part, value in values.items():
            counter = self._counters.setdefault((metric, device, part), ForeignCounter())
            out.add(metric, counter.record(value), **{"device": device, label: part})

    async def _open(self, device: Meter) -> Line:
        if device.address:
            return await open_tcp(device.address.host, device.address.port or PORT)
        return await open_serial(self.ctx.path(device.serial or ""), device.baud)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Dsmr,)

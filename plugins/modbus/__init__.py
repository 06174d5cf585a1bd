"""Meters and inverters that speak Modbus over TCP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collector_core import Collector, Context, Readings, hookimpl
from collector_core.devices import DeviceMetrics, DeviceReading, DevicesConfig, Measured, PolledDevices, place_of
from collector_plugins.modbus.client import PORT, Connection, Framing, RegisterRefused, RegisterType
from collector_plugins.modbus.config import SUNSPEC, Config, Meter
from collector_plugins.modbus.registers import Block, as_written, blocks, decode, models
from collector_plugins.modbus.sunspec import Model, find_model, read_model

METRICS = DeviceMetrics("modbus")
Place = tuple[str, int, Framing]
TURNS = 0.7  # of the timeout, that all devices behind one gateway share


class Modbus(PolledDevices[Meter, DeviceReading]):
    """Asks every device; those behind one gateway take turns."""

    name = "modbus"
    health = METRICS.health
    metrics = METRICS.metrics
    config_type = Config
    example = '{name: heatpump, address: "192.0.2.7:502", unit: 1, model: eastron-sdm630}'
    probe_port = PORT

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """An inverter or meter that describes itself."""
        connection = Connection(host, port, Framing.TCP)

        async def read(address: int, count: int) -> bytes:
            return await connection.read(1, RegisterType.HOLDING, address, count)

        try:
            await find_model(read)
        finally:
            connection.close()
        return {"name": host, "address": place_of(host, port), "model": "sunspec"}

    def __init__(self, config: DevicesConfig[Meter], ctx: Context) -> None:
        super().__init__(config, ctx)
        self._behind = Counter(map(_place, config.devices))
        self._connections: dict[Place, Connection] = {}
        self._models: dict[str, Model] = {}

    async def ask(self, device: Meter) -> DeviceReading:
        """What its registers say; raises `NotAvailable`."""
        connection = self._connection(device)
        if device.model in SUNSPEC:
            return await self._read_sunspec(device, connection)
        registers = models()[device.model] if device.model else [each.register for each in device.registers]
        reading, refusals = DeviceReading(), list[RegisterRefused]()
        for block in blocks(registers):
            try:
                content = await connection.read(device.unit, block.kind, block.address, block.size)
            except RegisterRefused as error:
                refusals.append(error)
            else:
                _tell(reading, block, content)
        if refusals and not reading:
            raise refusals[0]
        return reading

    def measure(self, answer: DeviceReading) -> Iterator[Measured]:
        """Its power and energy."""
        yield answer.measured

    def publish(self, out: Readings, device: Meter, answer: DeviceReading) -> None:
        """Show what it says."""
        METRICS.add(out, device.name, answer, self.meters.counted(device.name))

    async def close(self) -> None:
        """Hang up."""
        await super().close()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    async def _read_sunspec(self, device: Meter, connection: Connection) -> DeviceReading:
        async def read(address: int, count: int) -> bytes:
            return await connection.read(device.unit, RegisterType.HOLDING, address, count)

        if device.name not in self._models:
            self._models[device.name] = await find_model(read)
        try:
            return await read_model(read, self._models[device.name])
        except RegisterRefused:
            del self._models[device.name]  # another device, or new firmware
            raise

    def _connection(self, device: Meter) -> Connection:
        place = _place(device)
        if place not in self._connections:
            turn = TURNS * self.ctx.timeout / max(1, self._behind[place])
            self._connections[place] = Connection(*place, turn)
        return self._connections[place]


def _place(device: Meter) -> Place:
    return device.address.host, device.address.port or PORT, device.framing


def _tell(reading: DeviceReading, block: Block, content: bytes) -> None:
    for register in block.registers:
        start = 2 * (register.address - block.address)
        value = decode(content[start : start + 2 * register.size], register.type, register.word_order)
        if value is not None:
            reading.tell(register.word, as_written(value * register.scale), register.part)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Modbus,)

"""A Modbus device on loopback: pymodbus' server with the registers that files name."""

from __future__ import annotations

import struct
from contextlib import asynccontextmanager

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collector_core.devices import HostPort
from collector_plugins.modbus import Modbus

FORMATS = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "float64": "d"}


def registers_of(text):
    """Lines such as `input 52 float32 1234.5`, `holding 40 int32,little 7` and `holding 40000 text SunS`, by kind."""
    found = {"holding": {}, "input": {}}
    for line in filter(None, map(str.strip, text.splitlines())):
        kind, address, how, *values = line.split()
        for number, word in enumerate(words(how, values), int(address)):
            found[kind][number] = word
    return found


def words(how, values):
    name, _, order = how.partition(",")
    for value in values:
        raw = value.encode() if name == "text" else struct.pack(f">{FORMATS[name]}", as_number(name, value))
        found = [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]
        yield from reversed(found) if order == "little" else found


def as_number(name, value):
    return float(value) if name.startswith("float") else int(value)


def simulated(unit, registers):
    data = {
        kind: [SimData(address, values=word, datatype=DataType.REGISTERS) for address, word in sorted(each.items())]
        for kind, each in registers.items()
    }
    spare = [SimData(65000, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[True] * 8, datatype=DataType.BITS)]
    return SimDevice(unit, (bits, bits, data["holding"] or spare, data["input"] or spare))


@asynccontextmanager
async def device(registers, *, unit=1, framer=FramerType.SOCKET):
    """Answers as `unit`; yields its port."""
    server = ModbusTcpServer(simulated(unit, registers), framer=framer, address=("127.0.0.1", 0))
    await server.listen()
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


class RecordedModbus(Modbus):
    """Asks devices of the tree: what is in a device's registers is in `/modbus/ITS NAME.txt`."""

    async def ask(self, device_):
        registers = registers_of((self.ctx.path("/modbus") / f"{device_.name}.txt").read_text())
        async with device(registers, unit=device_.unit) as port:
            place = HostPort("127.0.0.1", port)
            try:
                return await super().ask(device_.model_copy(update={"address": place}))
            finally:
                self._connections.pop((*place, device_.framing)).close()

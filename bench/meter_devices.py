"""`python -m bench.meter_devices 100`: simulated meters of each kind on loopback; prints their ports as JSON."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from typing import cast

from collector_plugins.dsmr.telegram import crc16
from collector_plugins.snmp import ber
from collector_plugins.snmp.message import PduType

SHELLY = json.dumps({"switch:0": {"apower": 42.5, "voltage": 230.1, "current": 0.2, "aenergy": {"total": 1234.5}}})
HTTP = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(SHELLY)}\r\n\r\n{SHELLY}".encode()
CHASSIS = "/redfish/v1/Chassis"
BMC = {
    CHASSIS: {"Members": [{"@odata.id": f"{CHASSIS}/1"}]},
    f"{CHASSIS}/1": {name: {"@odata.id": f"{CHASSIS}/1/{name}"} for name in ("EnvironmentMetrics", "Power", "Thermal")},
    f"{CHASSIS}/1/EnvironmentMetrics": {"PowerWatts": {"Reading": 420}, "EnergykWh": {"Reading": 12.5}},
    f"{CHASSIS}/1/Power": {"PowerControl": [{"PowerLimit": {"LimitInWatts": 800}}]},
    f"{CHASSIS}/1/Thermal": {"Temperatures": [{"Name": f"Sensor {n}", "ReadingCelsius": 20 + n} for n in range(20)]},
}
P1 = b"/BEN5CH\r\n\r\n" + b"".join(
    f"1-0:{code}.7.0(00.420*kW)\r\n1-0:{tariff}.8.1(001234.500*kWh)\r\n".encode()
    for code, tariff in ((1, 1), (2, 2), (21, 3), (22, 4), (41, 5), (42, 6))
)
TELEGRAM = P1 + b"0-0:96.13.0(" + b"30" * 400 + b")\r\n!"
UPS = {
    "LIST UPS": 'BEGIN LIST UPS\nUPS a "x"\nEND LIST UPS\n',
    "LIST VAR a": "BEGIN LIST VAR a\n"
    + "".join(
        f'VAR a {name} "{value}"\n'
        for name, value in {
            "ups.realpower": 420,
            "ups.load": 31,
            "ups.status": "OL",
            "battery.charge": 100,
            "battery.runtime": 1800,
            "input.voltage": 230,
        }.items()
    )
    + "END LIST VAR a\n",
}


async def answer_http(reader: StreamReader, writer: StreamWriter) -> None:
    """A Shelly plug."""
    with suppress(EOFError, ConnectionError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(HTTP)


async def answer_redfish(reader: StreamReader, writer: StreamWriter) -> None:
    """A BMC of the new schema."""
    with suppress(EOFError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            text = json.dumps(BMC[head.split()[1].decode()])
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


async def answer_dsmr(_: StreamReader, writer: StreamWriter) -> None:
    """A smart meter of DSMR 5: a telegram every second."""
    telegram = TELEGRAM + f"{crc16(TELEGRAM):04X}\r\n".encode()
    with suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(telegram)
            await asyncio.sleep(1)


async def answer_modbus(reader: StreamReader, writer: StreamWriter) -> None:
    """Registers of which each pair holds 42.5."""
    with suppress(EOFError, ConnectionError):
        while head := await reader.readexactly(12):
            transaction, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", head)
            content = (struct.pack(">f", 42.5) * count)[: 2 * count]
            body = struct.pack(">BBB", unit, function, len(content)) + content
            writer.write(struct.pack(">HHH", transaction, 0, len(body)) + body)


async def answer_ups(reader: StreamReader, writer: StreamWriter) -> None:
    """A server of NUT with one UPS."""
    while line := await reader.readline():
        writer.write(UPS.get(line.decode().strip(), "ERR UNKNOWN-COMMAND\n").encode())


ANSWERS = {
    "http": answer_http,
    "modbus": answer_modbus,
    "ups": answer_ups,
    "redfish": answer_redfish,
    "dsmr": answer_dsmr,
}


class Pdu(asyncio.DatagramProtocol):
    """An agent that has whatever it is asked for: 42."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio says."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        version, community, pdu = ber.elements(ber.only(data, ber.SEQUENCE))
        request, _, _, listed = ber.elements(pdu.content)
        names = [ber.elements(each.content)[0].content for each in ber.elements(listed.content)]
        told = ber.sequence(*(ber.sequence(ber.element(ber.OID, name), ber.integer(42)) for name in names))
        body = ber.element(request.tag, request.content) + ber.integer(0) + ber.integer(0) + told
        answer = ber.element(PduType.RESPONSE, body)
        whole = ber.sequence(ber.element(version.tag, version.content), ber.octets(community.content), answer)
        self.transport.sendto(whole, addr)


async def main(devices: int) -> None:
    """Serve that many of each kind until the standard input ends."""
    ports: dict[str, list[int]] = {"snmp": [await _pdu()] * devices}
    for name, answer in ANSWERS.items():
        servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(devices)]
        ports[name] = [server.sockets[0].getsockname()[1] for server in servers]
    silent = [socket.create_server(("127.0.0.1", 0)) for _ in range(devices)]  # take connections and never answer
    ports["silent"] = [each.getsockname()[1] for each in silent]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        ports["deaf"] = [deaf.getsockname()[1]] * devices
        print(json.dumps(ports), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _pdu() -> int:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Pdu, local_addr=("127.0.0.1", 0))
    return int(transport.get_extra_info("sockname")[1])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

"""Reads registers over Modbus TCP, and over RTU frames in a TCP stream (Modbus application protocol 1.1b3)."""

from __future__ import annotations

import asyncio
import struct
from enum import StrEnum

from collector_core import NotAvailable, Reason
from collector_core.devices import open_stream

PORT = 502
MOST_REGISTERS = 100  # of one request; the protocol allows 125, and some devices fewer
_FIX = "check `address`, that Modbus TCP is enabled, and that no other program holds its only connection"
_PROBLEMS = {
    1: (Reason.NOT_SUPPORTED, "it does not know such registers", "check `kind`"),
    2: (Reason.NOT_SUPPORTED, "it does not have the register", "check `model`, or the addresses: they count from 0"),
    3: (Reason.NOT_SUPPORTED, "it does not have so many registers", "check `type`"),
    10: (Reason.UNREACHABLE, "the gateway has no way to the unit", "check `unit`, and the wiring behind the gateway"),
    11: (Reason.UNREACHABLE, "the unit behind the gateway does not answer", "check `unit`, and its wiring and speed"),
}


class RegisterType(StrEnum):
    """The two kinds of registers."""

    HOLDING = "holding"
    INPUT = "input"


class Framing(StrEnum):
    """How requests and answers are packed."""

    TCP = "tcp"
    RTU = "rtu"


FUNCTIONS = {RegisterType.HOLDING: 3, RegisterType.INPUT: 4}


class Refused(NotAvailable):
    """The device, or the gateway before it, answers that it cannot: the connection goes on."""


class RegisterRefused(Refused):
    """The device answers that it does not have what was asked for."""


class Connection:
    """To a device, or to a gateway with several: one request at a time, each for at most `longest_turn` seconds."""

    def __init__(self, host: str, port: int, framing: Framing, longest_turn: float | None = None) -> None:
        self._place = host, port
        self._framing = framing
        self._longest_turn = longest_turn
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._transaction = 0

    async def read(self, unit: int, kind: RegisterType, address: int, count: int) -> bytes:
        """The content of `count` registers.

        Raises `RegisterRefused`, `TimeoutError`, and `NotAvailable` where there is no answer.
        """
        async with self._lock, asyncio.timeout(self._longest_turn):
            try:
                return await self._request(unit, FUNCTIONS[kind], address, count)
            except Refused:
                raise
            except (OSError, EOFError):
                self.close()
                raise NotAvailable(Reason.UNREACHABLE, "it hung up", fix=_FIX) from None
            except BaseException:  # also at the deadline: a late answer must not be taken for that of the next request
                self.close()
                raise

    def close(self) -> None:
        """Hang up; the next request connects anew."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()

    async def _request(self, unit: int, function: int, address: int, count: int) -> bytes:
        if self._streams is None:
            self._streams = await open_stream(*self._place, fix=_FIX)
        reader, writer = self._streams
        body = struct.pack(">BBHH", unit, function, address, count)
        self._transaction = (self._transaction + 1) & 0xFFFF
        is_tcp = self._framing is Framing.TCP
        writer.write(struct.pack(">HHH", self._transaction, 0, len(body)) + body if is_tcp else with_crc(body))
        answer = await (_tcp_answer(reader, self._transaction) if is_tcp else _rtu_answer(reader))
        return content_of(answer, unit, function, count)


async def _tcp_answer(reader: asyncio.StreamReader, transaction: int) -> bytes:
    number, protocol, length = struct.unpack(">HHH", await reader.readexactly(6))
    if number != transaction or protocol != 0 or not 3 <= length <= 260:
        raise _not_modbus()
    return await reader.readexactly(length)


async def _rtu_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(3)
    is_refusal = head[1] & 0x80
    answer = head + await reader.readexactly(2 if is_refusal else head[2] + 2)
    if with_crc(answer[:-2]) != answer:
        raise NotAvailable(Reason.BAD_DATA, "the checksum of its answer is wrong", fix="check wiring and `framing`")
    return answer[:-2]


def content_of(answer: bytes, unit: int, function: int, count: int) -> bytes:
    """The registers in an answer; raises `RegisterRefused` and `NotAvailable`."""
    if len(answer) >= 3 and answer[0] == unit and answer[1] == function | 0x80:
        code = answer[2]
        reason, detail, fix = _PROBLEMS.get(code, (Reason.BAD_DATA, f"it answers with exception {code}", _FIX))
        kind = RegisterRefused if code in (1, 2, 3) else Refused
        raise kind(reason, detail, fix=fix)
    if answer[:3] != bytes((unit, function, 2 * count)) or len(answer) != 3 + 2 * count:
        raise _not_modbus()
    return answer[3:]


def with_crc(frame: bytes) -> bytes:
    """A frame with its checksum (CRC-16/MODBUS)."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return frame + struct.pack("<H", crc)


def _not_modbus() -> NotAvailable:
    return NotAvailable(
        Reason.BAD_DATA, "its answer is not the one to the request", fix="check `address` and `framing`"
    )

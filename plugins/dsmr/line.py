"""A line on which a meter sends telegrams: TCP, or a serial port."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import cast

from collector_core import NotAvailable, Reason
from collector_core.devices import open_stream
from collector_plugins.dsmr.telegram import Splitter, Telegram, parse

PORT = 23
PIECE = 64 << 10
MOST_REFUSED = 3  # telegrams in a row whose checksum is wrong
MOST_PIECES = 32  # that are caught up with at once
PAUSE = 0.02  # seconds without anything new: what has come is read
_FIX = "check the cable to the port P1, and that data request (pin 2) is set"


class Line:
    """An open line; the meter speaks unasked, every second or every ten.

    What comes over TCP (`writer`) between two calls waits in the kernel and wakes nobody; a serial port has no room.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        transport: asyncio.ReadTransport,
        writer: asyncio.StreamWriter | None = None,
    ) -> None:
        self._reader = reader
        self._transport = transport
        self._writer = writer  # which closes the connection where nobody keeps it
        self._splitter = Splitter()

    async def newest(self) -> Telegram:
        """The newest telegram that has come, or the next one; raises `NotAvailable` where the line ends."""
        self._transport.resume_reading()
        newest = await self._next()
        with suppress(TimeoutError, NotAvailable):  # nothing more has come, or the next call says why
            for _ in range(MOST_PIECES):
                async with asyncio.timeout(PAUSE):
                    newest = await self._next()
        if self._writer:
            self._transport.pause_reading()
        return parse(newest)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    async def _next(self) -> bytes:
        """The last intact telegram in the next piece that has one."""
        refused = 0
        while True:
            if not (piece := await self._read()):
                raise NotAvailable(Reason.UNREACHABLE, "the line was closed", fix=_FIX)
            for each in reversed(self._splitter.feed(piece)):
                if each.is_intact:
                    return each.text
                refused += 1
            if refused >= MOST_REFUSED:
                raise NotAvailable(
                    Reason.BAD_DATA,
                    "the checksums of its telegrams are wrong",
                    fix="shorten the cable, or check `baud`",
                )

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(PIECE)
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise NotAvailable(Reason.UNREACHABLE, f"the line broke: {words}", fix=_FIX) from None


async def open_tcp(host: str, port: int) -> Line:
    """A line over TCP; raises `NotAvailable`."""
    reader, writer = await open_stream(host, port, fix="check that the P1 reader's TCP server is enabled")
    return Line(reader, cast("asyncio.ReadTransport", writer.transport), writer)


async def open_serial(path: Path, baud: int) -> Line:
    """A line over a serial port; raises `NotAvailable`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotAvailable(Reason.NOT_FOUND, f"{path} is not there", fix=_FIX) from None
    except PermissionError:
        raise NotAvailable(
            Reason.PERMISSION, f"{path} may not be opened", fix="sudo usermod -aG dialout energy-collector"
        ) from None
    except OSError as error:
        raise NotAvailable(Reason.UNREACHABLE, f"{path} cannot be opened: {error.strerror}", fix=_FIX) from None
    import termios  # noqa: PLC0415 - not on every platform

    file = os.fdopen(descriptor, "rb", buffering=0)
    try:
        set_up(descriptor, baud)
        reader = asyncio.StreamReader(limit=PIECE)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    except (termios.error, ValueError):
        file.close()
        raise NotAvailable(Reason.NOT_SUPPORTED, f"{path} is not a serial port", fix="check `serial`") from None
    return Line(reader, transport)


def set_up(descriptor: int, baud: int) -> None:
    """Raw bytes: 8 bits without parity; at 9600 baud, as of DSMR 2 and 3, 7 bits with even parity."""
    import termios  # noqa: PLC0415

    speed = termios.B115200
    size = termios.CS8
    if baud == 9600:
        speed, size = termios.B9600, termios.CS7 | termios.PARENB
    control = size | termios.CREAD | termios.CLOCAL
    characters = termios.tcgetattr(descriptor)[6]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, [termios.IGNPAR, 0, control, 0, speed, speed, characters])

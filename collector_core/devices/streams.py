"""Connections to devices that speak a protocol of their own over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.errors import NotAvailable, NotListening, Reason

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

MAX_LINE = 64 << 10  # bytes


async def open_stream(host: str, port: int, *, fix: str) -> tuple[StreamReader, StreamWriter]:
    """A connection; raises `NotAvailable` with `fix` where there is none."""
    from asyncio import open_connection  # noqa: PLC0415 - who only imports the framework does without

    try:
        return await open_connection(host, port, limit=MAX_LINE)
    except ConnectionRefusedError:
        raise NotListening(Reason.UNREACHABLE, "nothing listens there", fix=fix) from None
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise NotAvailable(Reason.UNREACHABLE, f"cannot connect: {words}", fix=fix) from None

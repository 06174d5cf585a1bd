"""The protocol of Network UPS Tools (RFC 9271), as far as reading needs it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector_core import AuthFailed, NotAvailable, Reason
from collector_core.devices import open_stream

PORT = 3493
MAX_LINES = 2000

_ENTRY = re.compile(r'UPS (?P<ups>\S+)(?: ".*")?')
_VARIABLE = re.compile(r'VAR \S+ (?P<name>\S+) "(?P<value>(?:[^"\\]|\\.)*)"')
_ERROR = re.compile(r"ERR (?P<word>[A-Z-]{1,40})")
_ESCAPED = re.compile(r"\\(.)")

_DENIED = frozenset({"ACCESS-DENIED", "USERNAME-REQUIRED", "PASSWORD-REQUIRED", "INVALID-USERNAME", "INVALID-PASSWORD"})
_OF_ERROR = {
    "UNKNOWN-UPS": (Reason.NOT_FOUND, "check `ups`: `upsc -l HOST` lists the names"),
    "DRIVER-NOT-CONNECTED": (Reason.UNREACHABLE, "start the UPS' driver on the server: `upsdrvctl start`"),
    "DATA-STALE": (Reason.UNREACHABLE, "check the cable between the UPS and the server, and the driver's log"),
    "UNKNOWN-COMMAND": (Reason.NOT_SUPPORTED, "check that the address is that of upsd"),
}


class Session:
    """A connection to an `upsd`. Every method raises `NotAvailable`, or `AuthFailed` where the server refuses us."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def names(self) -> list[str]:
        """Of every UPS of the server."""
        return [match["ups"] for line in await self._list("UPS") if (match := _ENTRY.fullmatch(line))]

    async def variables(self, ups: str) -> dict[str, str]:
        """What a UPS says, by the names of NUT, such as `ups.load`."""
        return parse_variables(await self._list(f"VAR {ups}"))

    async def _list(self, what: str) -> list[str]:
        self._writer.write(f"LIST {what}\n".encode())
        lines: list[str] = []
        while (line := await self._line()) != f"END LIST {what}":
            if error := _ERROR.match(line):
                raise problem(error["word"])
            if not lines and line != f"BEGIN LIST {what}":
                raise NotAvailable(
                    Reason.BAD_DATA, "it does not speak NUT's protocol", fix="check that the address is that of upsd"
                )
            if len(lines) == MAX_LINES:
                raise NotAvailable(Reason.BAD_DATA, f"a list of more than {MAX_LINES} lines")
            lines.append(line)
        return lines[1:]

    async def _line(self) -> str:
        try:
            line = await self._reader.readline()
        except ValueError:
            raise NotAvailable(
                Reason.BAD_DATA, "a line is too long", fix="check that the address is that of upsd"
            ) from None
        if not line.endswith(b"\n"):
            raise NotAvailable(
                Reason.UNREACHABLE, "the server hung up", fix="check MAXCONN and LISTEN in upsd.conf, and its log"
            )
        return line.decode(errors="replace").rstrip("\r\n")


def parse_variables(lines: list[str]) -> dict[str, str]:
    """The answer to `LIST VAR`, without its first and last line; lines that are not variables are left out."""
    matches = filter(None, map(_VARIABLE.fullmatch, lines))
    return {match["name"]: _ESCAPED.sub(r"\1", match["value"]) for match in matches}


def problem(word: str) -> NotAvailable | AuthFailed:
    """What an `ERR` of the server means."""
    said = f"the server answers {word}"
    if word in _DENIED:
        return AuthFailed(said, fix="allow this machine in upsd.conf and the server's firewall")
    reason, fix = _OF_ERROR.get(word, (Reason.BAD_DATA, "check the log of upsd"))
    return NotAvailable(reason, said, fix=fix)


@asynccontextmanager
async def connect(host: str, port: int) -> AsyncIterator[Session]:
    """A session with the server there; raises `NotAvailable` where there is none."""
    fix = "check that upsd runs and listens there: LISTEN in upsd.conf"
    reader, writer = await open_stream(host, port, fix=fix)
    try:
        yield Session(reader, writer)
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise NotAvailable(Reason.UNREACHABLE, f"the connection broke: {words}", fix=fix) from None
    finally:
        writer.close()

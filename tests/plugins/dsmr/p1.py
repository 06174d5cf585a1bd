"""A P1 reader on loopback that sends what files say."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from collector_core.devices import HostPort
from collector_plugins.dsmr import Dsmr
from collector_plugins.dsmr.telegram import crc16


def telegram(text, *, checksum=None):
    """As a meter sends it: CRLF, and the checksum after the `!`, unless the text has one."""
    body = text.strip().replace("\n", "\r\n").encode()
    if not body.endswith(b"!"):
        return body + b"\r\n"
    return body + f"{crc16(body) if checksum is None else checksum:04X}\r\n".encode()


@asynccontextmanager
async def reader(content):
    """Sends `content` to everybody who connects, and keeps the line; yields its port."""
    writers = []

    def serve(_, writer):
        writer.write(content)
        writers.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            for writer in writers:
                writer.close()


class RecordedDsmr(Dsmr):
    """Listens to a reader of the tree: what a device sends is in `/p1/ITS NAME.txt`."""

    async def ask(self, device):
        text = (self.ctx.path("/p1") / f"{device.name}.txt").read_text()
        pieces = [telegram(each + "!" if each.count("!") == 0 else each) for each in text.split("\n\n---\n\n")]
        async with reader(b"".join(pieces)) as port:
            try:
                return await super().ask(device.model_copy(update={"address": HostPort("127.0.0.1", port)}))
            finally:
                if line := self._lines.pop(device.name, None):
                    line.close()

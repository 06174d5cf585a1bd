"""An `upsd` on loopback that says what files say."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from collector_core.devices import HostPort
from collector_plugins.ups import Ups


@asynccontextmanager
async def upsd(answers):
    """Answers each line with the text of `answers`, else ERR UNKNOWN-COMMAND; yields its port."""

    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(answers.get(line.decode().strip(), "ERR UNKNOWN-COMMAND\n").encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answers_of(folder):
    """What a server says whose UPS are `NAME.txt` in a folder: variables as `upsc` prints them, or an ERR line."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.txt"))}
    listed = "".join(f'UPS {name} "recorded"\n' for name in texts)
    answers = {"LIST UPS": f"BEGIN LIST UPS\n{listed}END LIST UPS\n"}
    for name, text in texts.items():
        answers[f"LIST VAR {name}"] = text if text.startswith("ERR") else _variables(name, text)
    return answers


def _variables(ups, text):
    pairs = (line.split(": ", 1) for line in text.splitlines() if ": " in line)
    lines = "".join(f'VAR {ups} {name} "{_escape(value)}"\n' for name, value in pairs)
    return f"BEGIN LIST VAR {ups}\n{lines}END LIST VAR {ups}\n"


def _escape(value):
    return value.replace("\\", "\\\\").replace('"', '\\"')


class RecordedUps(Ups):
    """Asks a server of the tree: a device's UPS are in `/upsd/ITS NAME`."""

    async def ask(self, device):
        async with upsd(answers_of(self.ctx.path("/upsd") / device.name)) as port:
            return await super().ask(device.model_copy(update={"address": HostPort("127.0.0.1", port)}))

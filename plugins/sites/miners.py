"""Miners as sources of a site: asked for hash rate and power, so that nobody has to send telemetry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from collector_core import Context, NotAvailable, Readings, Reason, Targets
from collector_plugins.sites.config import Miner
from collector_plugins.sites.miner import COMMANDS, MAX_ANSWER_BYTES, MinerReading, parse_answer, read_answers
from collector_plugins.sites.reading import Reading, parse_reading

EVERY_SECONDS = 60.0
DEADLINE_SECONDS = 8.0  # for all commands
ANSWER_SECONDS = 1.5  # for one of them: some firmware keeps the connection open, and ends without a NUL
LONGEST_INTERVALS = 2.5  # what is older is a gap


class Miners:
    """Asks all miners and makes readings of what they say: each is a meter of its site."""

    def __init__(self, ctx: Context, miners: Sequence[Miner]) -> None:
        self._clock = ctx.clock
        self._miners = {miner.address: miner for miner in miners}
        self._targets = Targets(ctx, self._miners, _ask, interval=EVERY_SECONDS, deadline=DEADLINE_SECONDS)
        self._taken: dict[str, float] = {}

    @property
    def sites(self) -> set[str]:
        """The sites that they belong to."""
        return {miner.site for miner in self._miners.values()}

    async def read(self, out: Readings) -> list[Reading]:
        """What those say that have answered since the last call; the others are failed parts of the run."""
        answers = await self._targets.poll(out, label="miner", optional=True)
        readings = (self._reading(address, said) for address, said in answers)
        return [reading for reading in readings if reading is not None]

    async def close(self) -> None:
        """Stop asking."""
        await self._targets.close()

    def _reading(self, address: str, said: MinerReading) -> Reading | None:
        last = self._targets.last(address)
        before = self._taken.get(address)
        if last is None or last.time == before:
            return None
        self._taken[address] = last.time
        seconds = EVERY_SECONDS if before is None else last.time - before
        miner = self._miners[address]
        watts = said.power if said.power is not None else miner.watts
        power = watts if miner.counts else None
        if power is None and said.hashrate is None:
            return None
        moment = self._clock.time() - (self._clock.monotonic() - last.time)
        return parse_reading(
            {
                "site_id": miner.site,
                "timestamp": moment,
                "interval_seconds": seconds if seconds <= LONGEST_INTERVALS * EVERY_SECONDS else EVERY_SECONDS,
                "power_watts": power,
                "hashrate_th": said.hashrate,
                "meter": f"miner {address}",
            }
        )


async def _ask(name: str, miner: Miner) -> MinerReading:
    """Raises `NotAvailable` where it tells neither its hash rate nor its power."""
    del name
    answers: dict[str, Mapping[str, Any]] = {"summary": parse_answer(await _answer(miner, "summary"))}
    for command in COMMANDS[1:]:
        found = read_answers(answers)
        if found.hashrate is not None and (found.power is not None or miner.watts is not None):
            break
        with suppress(NotAvailable, OSError):  # not all know all commands
            answers[command] = parse_answer(await _answer(miner, command))
    found = read_answers(answers)
    if found.hashrate is None and found.power is None:
        detail = "neither a hash rate nor a power is in its answers"
        raise NotAvailable(Reason.BAD_DATA, detail, fix="allow the API to read: `--api-allow R:0/0`")
    return found


async def _answer(miner: Miner, command: str) -> bytes:
    """The answer to a command; raises `OSError` or `NotAvailable`. It ends with a NUL, or with the connection."""
    data = bytearray()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(miner.host, miner.port)
            try:
                writer.write(json.dumps({"command": command}).encode() + b"\n")
                await writer.drain()
                await _read_all(reader, data)
            finally:
                writer.close()
    except TimeoutError:
        if not data:
            raise
    return bytes(data)


async def _read_all(reader: asyncio.StreamReader, data: bytearray) -> None:
    while chunk := await reader.read(65_536):
        data += chunk
        if b"\0" in chunk:
            return
        if len(data) > MAX_ANSWER_BYTES:
            raise NotAvailable(Reason.BAD_DATA, f"its answer is longer than {MAX_ANSWER_BYTES} bytes")

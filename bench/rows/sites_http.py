"""Sites over HTTP, as senders see it: batches, and a hundred connections that send one reading at a time."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from statistics import quantiles
from tempfile import TemporaryDirectory

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Program, energy_collector

BATCH = 10_000
CONNECTIONS = 100
RATE = 1000  # readings a second of all connections together
KEPT = "sites_ingested_readings_total"


def measure(effort: Effort) -> list[Figure]:
    """Readings a second of CPU in batches, and how long one waits that is sent on one of a hundred connections."""
    options = {"options": {"auto_register": True}}
    with (
        TemporaryDirectory(prefix="bench-") as state,
        energy_collector(
            {"sites": options}, until=KEPT, environment={"XDG_STATE_HOME": state}, history=False
        ) as program,
    ):
        batches = [_batch(program, number) for number in range(effort.pairs)]
        asyncio.run(_singles(program.port, 1, round(time.time()) - 86_400))  # registers their sites
        waits = asyncio.run(_singles(program.port, effort.load_seconds * 5, round(time.time())))
    title = f"batches of {BATCH} readings over HTTP, a second of the program's CPU"
    note = f"{CONNECTIONS} connections, {RATE} readings/s in all, from when each is due"
    rank = "99th percentile of the wait of single readings over HTTP"
    return [
        Figure("sites", title, "readings/s", batches, (), Goal(20_000, 40_000, more=True)),
        Figure("sites", rank, "ms", [quantiles(waits, n=100)[98] * 1000], (), Goal(50, 20), note),
    ]


def _batch(program: Program, number: int) -> float:
    now = round(time.time()) - 3600 * (number + 1)
    readings = [_reading(f"site-{each % 1000}", now - each // 1000) for each in range(BATCH)]
    request = urllib.request.Request(
        f"http://127.0.0.1:{program.port}/api/v1/ingest/telemetry",
        json.dumps({"readings": readings}).encode(),
        {"Content-Type": "application/json"},
    )
    began = program.process.cpu_seconds()
    with urllib.request.urlopen(request, timeout=60) as response:
        accepted: int = json.load(response)["accepted"]
    return accepted / (program.process.cpu_seconds() - began)


def _reading(site: str, moment: int) -> dict[str, object]:
    return {"site_id": site, "timestamp": moment, "power_watts": 1e6, "hashrate_th": 33_000.0}


async def _singles(port: int, seconds: int, newest: int) -> list[float]:
    """The seconds from when each reading was due to be sent until it was acknowledged."""
    begin = asyncio.get_running_loop().time() + 0.5
    found = await asyncio.gather(*(_send(port, number, begin, seconds, newest) for number in range(CONNECTIONS)))
    return [wait for waits in found for wait in waits]


async def _send(port: int, number: int, begin: float, seconds: int, newest: int) -> list[float]:
    clock, waits = asyncio.get_running_loop().time, []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    period = CONNECTIONS / RATE
    for each in range(round(seconds / period)):
        due = begin + (each + number / CONNECTIONS) * period
        await asyncio.sleep(max(0.0, due - clock()))
        writer.write(_request(json.dumps(_reading(f"single-{number}", newest - 60 * each)).encode()))
        await _accepted(reader)
        waits.append(clock() - due)
    writer.close()
    return waits


def _request(body: bytes) -> bytes:
    head = "POST /api/v1/ingest/realtime HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _accepted(reader: asyncio.StreamReader) -> None:
    """Read an answer; raises `ValueError` for a refusal."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
    body = await reader.readexactly(int(lengths[0]))
    if b'"accepted": 1' not in body:
        raise ValueError(f"refused: {head}{body.decode()}")

"""Memory stays flat: 100,000 scrapes and 10,000 runs whose series come and go."""

import asyncio
import gc
import logging
import tracemalloc
from pathlib import Path

import psutil
import pytest

from collector_core import Collector, Gauge, Info
from collector_core.config.settings import Instance
from collector_core.engine.runner import Runner
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.testing import FakeClock

VALUE = Gauge("tide_value", "Comes and goes.", labels=("name",))
WHO = Info("tide_visitor_info", "Always somebody new.", ("name",))
MEGABYTE = 1 << 20


class Tide(Collector):
    """Has other series in every run, and fails in every tenth."""

    name, metrics = "tide", (VALUE, WHO)
    run = 0

    def collect(self, out):
        self.run += 1
        for number in range(self.run % 17):
            out.add(VALUE, self.run, name=f"{number}")
        out.add(WHO, name=f"visitor {self.run}")
        if self.run % 10 == 0:
            raise ConnectionError(f"run {self.run}")


@pytest.mark.timeout(300)
def test_10_000_runs_with_series_that_come_and_go_leave_nothing_behind(caplog):
    caplog.set_level(logging.CRITICAL)
    clock = FakeClock()
    exposition = Exposition(clock)
    instance = Instance("tide", Tide, Tide.config_type(), 1.0, 5.0, 3.0, (), 1000)
    runner = Runner(instance, instance.build(clock=clock, root=Path("/")), exposition, clock)
    encodings = [negotiate("", ""), negotiate("application/openmetrics-text", "gzip")]

    def runs(count):
        for _ in range(count):
            clock.advance(1)
            runner.run_now()
            for encoding in encodings:
                exposition.body(encoding)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = runs(1_000)
        after = runs(10_000)
    finally:
        tracemalloc.stop()
        runner.stop()
    assert runner.health.runs["ok"] == 9_900
    assert after - before < 0.2 * MEGABYTE


async def _scrape(port, count):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
    for _ in range(count):
        writer.write(request)
        header = await reader.readuntil(b"\r\n\r\n")
        assert header.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(header.lower().partition(b"content-length:")[2].split()[0]))
    writer.close()
    await writer.wait_closed()


async def _scrapes(port, connections, count):
    await asyncio.gather(*(_scrape(port, count // connections) for _ in range(connections)))


@pytest.mark.timeout(300)
@pytest.mark.own_interpreter
async def test_memory_is_flat_over_100_000_scrapes(collector, eventually):
    # Without a history, which holds up to 150,000 readings in memory until it writes a block.
    program = collector("history: off\ncollectors: {system: {interval: 100ms}}")
    process = psutil.Process(program.pid)
    await _scrapes(program.port, 10, 10_000)
    before, connections = process.memory_info().rss, len(process.net_connections())
    for _ in range(10):
        await _scrapes(program.port, 10, 10_000)
    assert process.memory_info().rss - before < 2 * MEGABYTE
    eventually(lambda: len(process.net_connections()) <= connections)
    assert process.num_threads() < 20

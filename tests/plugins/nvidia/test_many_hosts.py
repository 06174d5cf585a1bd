"""Many hosts: as many as there is room for are shown, and the same ones in every run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.config.settings import Instance
from collector_core.engine.runner import Runner
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.testing import FakeClock
from collector_plugins.nvidia import Nvidia, metrics
from collector_plugins.nvidia.config import Config
from collector_plugins.nvidia.fields import FIELDS
from collector_plugins.nvidia.gpu import Gpu, HostReading, Series, throttled
from collector_plugins.nvidia.host_reader import HostReader

GPUS = 8


class Host:
    """Says all that nvidia-smi can say, of eight GPUs; `down` makes it fail."""

    name, stage, connections = "ssh", "reading", 1

    def __init__(self):
        self.down = False
        self.closed = 0

    async def read(self, awake=None):
        if self.down:
            raise NotAvailable("unreachable", "no route to host")
        said = {field.series: 1.0 for field in FIELDS} | dict(throttled(0))
        said |= {Series(metrics.MIG_ENABLED): 0.0, Series(metrics.GPU_INFO, ("H100", "550")): 1.0}
        return HostReading(tuple(Gpu(str(n), f"GPU-{n}", said) for n in range(GPUS)), {})

    async def close(self):
        self.closed += 1


def cluster_of(hosts):
    class Cluster(Nvidia):
        """Hosts that answer at once."""

        def _new_readers(self):
            for name, host in hosts.items():
                yield HostReader(name, host, self.ctx)

    return Cluster


@pytest.fixture
async def runner_of():
    """A runner of such hosts, and the exposition that it publishes to; each call of `cycle` is a run."""
    closing = []

    def make(hosts, **changes):
        cls, clock = cluster_of(hosts), FakeClock()
        options = Config(local="off", hosts=[{"address": "unused"}])
        defaults = {"interval": 5.0, "timeout": 10.0, "stale_after": 15.0, "labels": ()}
        limit = {"max_series": cls.default_max_series}
        instance = Instance(name="nvidia", type=cls, options=options, **defaults, **limit | changes)
        exposition = Exposition(clock)
        runner = Runner(instance, instance.build(clock=clock, root=Path("/")), exposition, clock)
        closing.append(runner)
        return runner, exposition, clock

    yield make
    for runner in closing:
        await runner._close()


async def cycle(runner, clock):
    clock.advance(5)
    await runner.cycle()


def shown(exposition, metric):
    lines = exposition.body(negotiate("", "")).decode().splitlines()
    return [line for line in lines if line.startswith(f"{metric.name}{{")]


async def test_two_hundred_hosts_with_eight_gpus_run_with_the_defaults(runner_of, caplog):
    hosts = {f"h{number:03}": Host() for number in range(200)}
    runner, exposition, clock = runner_of(hosts)
    for _ in range(2):
        await cycle(runner, clock)
    assert runner.last_report.result == "ok"
    assert len(shown(exposition, metrics.POWER)) == len(shown(exposition, metrics.ENERGY)) == 200 * GPUS
    assert runner.health.series < Nvidia.default_max_series / 1.5
    assert (runner.health.dropped_series, caplog.messages) == (0, [])


async def test_of_too_many_hosts_the_first_ones_are_shown_and_nobody_is_hung_up_on(runner_of, caplog):
    caplog.set_level(logging.INFO)
    hosts = {f"h{number:02}": Host() for number in range(10)}
    runner, exposition, clock = runner_of(hosts, max_series=1000)
    found = []
    for _ in range(4):
        await cycle(runner, clock)
        found.append({line.partition('host="')[2][:3] for line in shown(exposition, metrics.POWER)})
    assert found == 4 * [{"h00", "h01", "h02"}]
    assert len(shown(exposition, metrics.HOST_UP)) == 10, "what is known of a host beside its GPUs stays"
    assert f"{metrics.CLUSTER_POWER.name} 80.0" in exposition.body(negotiate("", "")).decode()
    assert [host.closed for host in hosts.values()] == 10 * [0]
    assert runner.health.dropped_series > 7 * GPUS * 25
    (message,) = caplog.messages
    assert message.startswith(
        "limit=max_series fails: left out, because there are more than max_series = 1000: host=h03,"
    )
    assert "host=h05 and 4 more" in message


async def test_a_host_that_comes_back_takes_its_place_again(runner_of):
    hosts = {f"h{number}": Host() for number in range(4)}
    runner, exposition, clock = runner_of(hosts, max_series=1000)

    async def hosts_shown():
        await cycle(runner, clock)
        return {line.partition('host="')[2][:2] for line in shown(exposition, metrics.POWER)}

    assert await hosts_shown() == {"h0", "h1", "h2"}
    hosts["h1"].down = True
    assert await hosts_shown() == {"h0", "h2", "h3"}
    hosts["h1"].down = False
    clock.advance(60)
    assert await hosts_shown() == {"h0", "h1", "h2"}

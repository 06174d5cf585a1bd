"""Whole collectors in this process, each with its ledger on a port of loopback, that take from each other."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from aiohttp import web

from collector_core import EnergyMeter, EnergyReading
from collector_core.testing import FakeClock, serve_routes
from collector_plugins.energy import Energy, metrics
from collector_plugins.federation import Federation
from collector_plugins.federation.document import PATH


class Meter:
    """Draws `watts` since the test began, and speaks while it is `alive`."""

    def __init__(self, clock, component, device, watts, **more):
        self.watts, self.alive = watts, True
        self._clock, self._start = clock, clock.monotonic()
        self._reading = None
        self.meter = EnergyMeter(component, device, "meter", 0.05, 1.0, self.latest, self.latest, **more)

    def latest(self):
        now = self._clock.monotonic()
        if self.alive:
            self._reading = EnergyReading(self.watts * (now - self._start), now)
        return self._reading


class Agent:
    """A collector that measures `meters`; it serves its ledger and takes from `sources`."""

    def __init__(self, make, clock, meters, **options):
        self.meters = list(meters)
        self.federation = None
        self._make = lambda: make(Energy, clock=clock, energy_meters=self._all, **options)
        self.energy = self._make()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def take_from(self, make, clock, **sources):
        named = {name: {"url": source.url} if isinstance(source, Agent) else source for name, source in sources.items()}
        self.federation = make(Federation, clock=clock, interval=10.0, timeout=60.0, sources=named)

    def start_again(self):
        """A process that has counted nothing yet, at the same address."""
        self.energy = self._make()

    def run(self):
        if self.federation:
            self.federation.run()
        self.energy.run()

    @property
    def watts(self):
        found = self.energy.series(metrics.SITE_POWER)
        return {key: round(value, 3) for key, value in found.items() if key[0] != "host"}

    @property
    def joules(self):
        return sum(self.energy.series(metrics.SITE_ENERGY).values())

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    def _all(self):
        theirs = self.federation.collector.collector_energy_meters() if self.federation else ()
        return [*(each.meter for each in self.meters), *theirs]

    async def _answer(self, request):
        """What the ledger that runs now answers."""
        (handler,) = (each.handler for each in self.energy.collector.collector_routes() if each.path == PATH)
        return await handler(request)

    async def _serve(self):
        async with serve_routes([web.get(PATH, self._answer)]) as session:
            self.url = str(session._base_url).rstrip("/")
            self._ready.set()
            await self._stop.wait()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def meter(clock):
    return lambda component, device, watts, **more: Meter(clock, component, device, watts, **more)


@pytest.fixture
def agent(collector_harness, clock):
    made = []

    def make(*meters, **options):
        made.append(Agent(collector_harness, clock, meters, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def linked(collector_harness, clock):
    """Lets an agent take from others by name."""
    return lambda agent, **sources: agent.take_from(collector_harness, clock, **sources)


@pytest.fixture
def turn(clock):
    """Runs of all agents, in order, ten seconds apart."""

    def turn(*agents, times=4):
        for _ in range(times):
            for each in agents:
                each.run()
            clock.advance(10.0)

    return turn


@pytest.fixture
def silent():
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "http://{}:{}".format(*server.getsockname())

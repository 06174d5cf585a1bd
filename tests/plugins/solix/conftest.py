"""An Anker cloud and a broker on loopback, accounts as the test decides, and the real library where it is."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.testing import FakeClock, Harness
from collector_plugins.solix import Solix, cloud
from tests.plugins.solix import broker as brokers
from tests.plugins.solix.fakecloud import EMAIL, PASSWORD, FakeCloud

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "solix"
OPTIONS = {"email": EMAIL, "password": PASSWORD, "country": "DE"}
INSTALL = "make test-solix ANKER_SOLIX_API=/path/to/its/checkout"


class FakeAccount:
    """An account as `account.Account` has it, from tables; counts what it is asked.

    `site_table` and `device_table` are what the cloud says; `fails` maps a method's name to what it raises.
    `requests` claims an endpoint of the budget for each request, where a test cares.
    """

    def __init__(self, sites=None, devices=None, request: Callable[[str], None] | None = None) -> None:
        self.site_table = sites or {}
        self.device_table = devices or {}
        self.connected = False
        self.calls: list[str] = []
        self.asked: list[tuple[str, float]] = []
        self.fails: dict[str, Exception] = {}
        self.receive = None
        self._request = request or (lambda endpoint: None)

    def sites(self):
        return dict(self.site_table)

    def devices(self):
        return dict(self.device_table)

    async def log_in(self):
        self._call("log_in", "passport/login")

    async def update_sites(self, *, quick):
        self._call("update_sites", "get_site_list", *(["get_scen_info"] * len(self.site_table)))

    async def update_details(self):
        self._call("update_details", "get_relate_and_bind_devices", "get_wifi_info_list")

    async def update_energy(self):
        self._call("update_energy", *(["energy_analysis"] * 5))

    async def connect(self, receive):
        self._call("connect", "get_user_mqtt_info")
        self.receive, self.connected = receive, True

    def subscribe(self):
        self.calls.append("subscribe")

    async def ask(self, serial, seconds):
        self._call("ask")
        self.asked.append((serial, seconds))
        return True

    async def close(self):
        self.calls.append("close")
        self.connected = False

    def _call(self, name, *endpoints):
        self.calls.append(name)
        for endpoint in endpoints:
            self._request(endpoint)
        if name in self.fails:
            raise self.fails[name]


class FakeSolix(Solix):
    """The collector with an account that the test decides."""

    account = FakeAccount()

    def make_account(self):
        return self.account


@pytest.fixture
def solix(collector_harness):
    """Makes a harness whose collector follows `account`: `solix(account, **options)`."""

    def make(account, **options):
        cls = type("Fake", (FakeSolix,), {"account": account})
        return collector_harness(cls, **{**OPTIONS, **options})

    return make


def library_missing():
    """Why the tests against the real library cannot run here; empty where they can."""
    absent = cloud.missing()
    return f"{absent.detail}: {INSTALL}" if isinstance(absent, NotAvailable) else ""


@pytest.fixture
def library():
    """anker-solix-api itself; skips, saying how to get it, where it is not installed."""
    if reason := library_missing():
        pytest.skip(reason)
    return importlib.util.find_spec(cloud.LIBRARY)


@pytest.fixture
def broker(tmp_path):
    if not brokers.program():
        message = "mosquitto is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = brokers.Broker(folder).start()
    yield broker
    broker.stop()


@pytest.fixture
def devices(broker):
    devices = brokers.Devices(broker)
    yield devices
    devices.close()


@pytest.fixture
def fake_cloud(library, monkeypatch):
    """Starts a cloud of folders of answers, and lets the library take it for Anker's: nothing else is changed there."""
    from anker_solix_api.apitypes import API_SERVERS
    from anker_solix_api.session import AnkerSolixClientSession

    started = []

    def start(*folders):
        fake = FakeCloud(*(folders or (HERE / "accounts" / "home",))).start()
        started.append(fake)
        for region in API_SERVERS:
            monkeypatch.setitem(API_SERVERS, region, fake.url)
        monkeypatch.setattr(AnkerSolixClientSession, "_api_public_key_hex", fake.public_key)
        return fake

    yield start
    for fake in started:
        fake.stop()


@pytest.fixture
def broker_port(library, monkeypatch):
    """Lets the library's sessions connect to a port: `broker_port(broker)`."""
    from anker_solix_api.mqtt import AnkerSolixMqttSession

    def use(broker):
        made = AnkerSolixMqttSession.__init__

        def init(self, *args, **options):
            made(self, *args, **options)
            self.port = broker.port

        monkeypatch.setattr(AnkerSolixMqttSession, "__init__", init)

    return use


class Live:
    """The real collector on a loop that goes on between runs, as in the program."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness

    def run_until(self, condition, seconds=20.0, step=0.05):
        """Run again and again until `condition` holds; returns its value."""
        loop = asyncio.Runner.get_loop(self.harness._loop)
        for _ in range(round(seconds / step)):
            self.harness.run()
            if value := condition():
                return value
            loop.run_until_complete(asyncio.sleep(step))
        failed = [f"{part.name}: {part.error}" for part in self.harness.part_failures]
        raise AssertionError(f"did not happen within {seconds} s: {failed}\n{self.harness.exposition()}")

    def wait(self, seconds):
        asyncio.Runner.get_loop(self.harness._loop).run_until_complete(asyncio.sleep(seconds))


class RealClock(FakeClock):
    """Follows the machine's clock, and can be moved ahead."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0)

    def monotonic(self):
        return time.monotonic() + self.monotonic_time

    def time(self):
        return time.time() + self.wall_time


@pytest.fixture
def live(collector_harness, library, tmp_path):
    """The real collector with the real library: `live(**options)`."""

    def make(**options):
        options = {**OPTIONS, "state_dir": str(tmp_path / "state"), **options}
        return Live(collector_harness(Solix, clock=RealClock(), timeout=30, **options))

    return make

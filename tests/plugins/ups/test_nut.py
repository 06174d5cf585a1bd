"""The real `upsd` with `dummy-ups`: one UPS whose driver lives, one without a driver, one whose driver ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from collector_plugins.ups import Ups, metrics

LIBRARY = Path("/lib/nut")
FIRST = "ups.status: OL\nups.load: 25\nups.realpower.nominal: 800\nbattery.charge: 98\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Nut:
    """A server below a folder; drivers can be ended."""

    def __init__(self, folder):
        self.port = free_port()
        self._folder = folder
        self._environment = os.environ | {
            "NUT_CONFPATH": str(folder),
            "NUT_STATEPATH": str(folder),
            "NUT_ALTPIDPATH": str(folder),
            "NUT_QUIET_INIT_SSL": "true",
        }
        self._running = {}
        upses = ("first", "second")
        sections = "".join(f"[{name}]\ndriver = dummy-ups\nport = {folder}/{name}.dev\n" for name in (*upses, "absent"))
        (folder / "ups.conf").write_text("user = root\n" + sections if os.geteuid() == 0 else sections)
        (folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {self.port}\nMAXAGE 15\n")
        (folder / "upsd.users").write_text("")
        for name in (*upses, "absent"):
            (folder / f"{name}.dev").write_text(FIRST)
        for name in upses:
            self._start(name, LIBRARY / "dummy-ups", "-a", name, "-F")
        self._start("upsd", LIBRARY / "upsd", "-F")

    def _start(self, name, *command):
        as_root = ("-u", "root") if os.geteuid() == 0 else ()
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [*command, *as_root], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def end(self, name):
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self):
        for name in list(self._running):
            self.end(name)


@pytest.fixture(scope="module")
def nut(tmp_path_factory):
    if not (LIBRARY / "upsd").exists() or not (LIBRARY / "dummy-ups").exists():
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail("nut-server is not installed: python tests/services.py install")
        pytest.skip("nut-server is not installed: python tests/services.py install")
    server = Nut(tmp_path_factory.mktemp("nut"))
    yield server
    server.close()


def test_the_real_server_tells_its_ups_and_one_that_dies_takes_only_itself(nut, collector_harness, eventually):
    harness = collector_harness(Ups, devices=[{"name": "nas", "address": f"127.0.0.1:{nut.port}"}])

    def shown():
        harness.run(advance=60)
        return harness.series(metrics.POWER)

    eventually(lambda: shown() == {("nas", "first"): 200.0, ("nas", "second"): 200.0})
    assert harness.series(metrics.CHARGE)["nas", "first"] == 0.98
    assert [part.name for part in harness.part_failures] == ["device=nas,ups=absent"]
    nut.end("second")
    eventually(lambda: shown() == {("nas", "first"): 200.0})
    assert harness.value(metrics.HEALTH.up, device="nas") == 1

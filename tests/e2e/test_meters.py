"""Meters outside of the machine in the running program: the outermost that is alive is the sum."""

import contextlib
import json
import re
import socketserver
import threading
from itertools import pairwise

import pytest

from tests.plugserver import PlugServer
from tests.powercap import PowercapTree

UPS_WATTS, PLUG_WATTS, BMC_WATTS = 300, 250, 200
CHASSIS = "/redfish/v1/Chassis"
LIFETIME_KWH = 5000  # what plug and BMC have counted all their lives
LEAST_JUMP = 1e6  # joules; any lifetime is more, and no test is long enough to draw it
UPS = {
    b"LIST UPS": 'BEGIN LIST UPS\nUPS main "a UPS"\nEND LIST UPS\n',
    b"LIST VAR main": "BEGIN LIST VAR main\n"
    f'VAR main ups.realpower "{UPS_WATTS}"\nVAR main ups.status "OL"\nEND LIST VAR main\n',
}
BMC = {
    CHASSIS: {"Members": [{"@odata.id": f"{CHASSIS}/1"}]},
    f"{CHASSIS}/1": {"EnvironmentMetrics": {"@odata.id": f"{CHASSIS}/1/EnvironmentMetrics"}},
    f"{CHASSIS}/1/EnvironmentMetrics": {
        "PowerWatts": {"Reading": BMC_WATTS},
        "EnergykWh": {"Reading": LIFETIME_KWH},
    },
}
CONFIG = """
collectors:
  rapl: {{interval: 200ms}}
  energy: {{interval: 200ms}}
  ups: {{interval: 200ms, options: {{devices: [{{name: rack, address: "{ups}", feeds: [http/desk]}}]}}}}
  http:
    interval: 200ms
    options:
      devices:
        - {{name: desk, url: "{plug}", power_watts: /power, energy_kwh: /energy, feeds: [redfish/node]}}
        - {{name: locked, url: "{locked}", power_watts: /power}}
  redfish:
    interval: 200ms
    options: {{devices: [{{name: node, url: "{bmc}", username: monitor, password: secret, feeds: [host]}}]}}
"""


class Upsd(socketserver.ThreadingTCPServer):
    """A server of NUT with one UPS that draws `UPS_WATTS`."""

    allow_reuse_address = True
    daemon_threads = True

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            with contextlib.suppress(ConnectionError):
                for line in self.rfile:
                    self.wfile.write(UPS.get(line.strip(), "ERR UNKNOWN-COMMAND\n").encode())

    @property
    def address(self):
        return "{}:{}".format(*self.server_address)


@contextlib.contextmanager
def upsd(port=0):
    with Upsd(("127.0.0.1", port), Upsd.Session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class BmcServer(PlugServer):
    """A BMC whose chassis takes in `BMC_WATTS`."""

    def answer(self, path):
        return self.status, json.dumps(BMC.get(path, {})).encode()


@pytest.fixture
def servers():
    """The plug, the BMC, and a plug that wants a login."""
    plug = PlugServer({"power": PLUG_WATTS, "energy": LIFETIME_KWH})
    with plug, BmcServer() as bmc, PlugServer(status=401) as locked:
        yield plug, bmc, locked


@pytest.fixture
def tree(tmp_path):
    """A processor that stands still: its energy is known, and 0."""
    tree = PowercapTree(tmp_path / "tree")
    tree.add("intel-rapl:0", "package-0")
    return tree.root


def total(program, metric):
    return sum(value for series, value in program.samples().items() if re.match(rf"{metric}\b", series))


def test_the_outermost_meter_is_the_sum_and_where_it_dies_the_next_goes_on(
    collector, command, servers, tree, tmp_path, eventually
):
    plug, bmc, locked = servers
    with upsd() as ups:
        port = ups.server_address[1]
        config = CONFIG.format(ups=ups.address, plug=plug.url, bmc=bmc.url, locked=locked.url)
        program = collector(config, "--root", tree)
        eventually(lambda: total(program, "energy_power_watts") == pytest.approx(UPS_WATTS))
        joules = [total(program, "energy_joules_total")]
    eventually(lambda: total(program, "energy_power_watts") == pytest.approx(PLUG_WATTS))
    plug.status = 503
    eventually(lambda: total(program, "energy_power_watts") == pytest.approx(BMC_WATTS))
    joules.append(total(program, "energy_joules_total"))

    said = command("doctor", "--config", tmp_path / "config.yaml", "--root", tree)
    assert said.returncode == 1
    assert "device=rack fails: nothing listens there; fix: check that upsd runs" in said.stdout
    assert re.search(r"device=desk fails: .*503 Service Unavailable; fix: \w", said.stdout)
    assert re.search(r"device=locked fails: .*401 Unauthorized; fix: check its password", said.stdout)
    assert "device=node" not in said.stdout
    assert "secret" not in said.stdout + said.stderr

    plug.status = 200
    with upsd(port):
        eventually(lambda: total(program, "energy_power_watts") == pytest.approx(UPS_WATTS))
        joules.append(total(program, "energy_joules_total"))
        eventually(lambda: "device=rack works again" in program.log)
    assert joules == sorted(joules)
    assert 0 < joules[-1] < LEAST_JUMP, "no lifetime counter of a device is this machine's energy"
    for device in ("rack", "desk", "locked"):
        told = [line.partition(f"device={device} ")[2] for line in program.lines if f"device={device} " in line]
        assert told, device
        assert all(before != after for before, after in pairwise(told)), f"each edge once: {told}"
    assert len(locked.asked) <= 4 + 1, "a refused login is not tried again; doctor tries it once more"

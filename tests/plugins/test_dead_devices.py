"""Of three devices of any network kind one refuses and one says nothing: the third is whole in every run."""

from __future__ import annotations

import json
import socket

import pytest

from collector_plugins.ipmi import Ipmi
from tests.plugins.dsmr.p1 import RecordedDsmr
from tests.plugins.http.recorded import RecordedHttp
from tests.plugins.modbus.device import RecordedModbus
from tests.plugins.redfish.recorded import RecordedRedfish
from tests.plugins.snmp.agent import RecordedSnmp
from tests.plugins.ups.upsd import RecordedUps

LOGIN = {"username": "monitor", "password": "secret"}
IPMITOOL = """#!/bin/sh
case "$*" in
*"-p 1 "*) echo "Error: Unable to establish IPMI v2 / RMCP+ session" ;;
*"-p 2 "*) exec sleep 600 ;;
*) echo "    Instantaneous power reading:                   100 Watts" ;;
esac
"""
CHASSIS = "/redfish/v1/Chassis"
BMC = {
    CHASSIS: {"Members": [{"@odata.id": f"{CHASSIS}/1"}]},
    f"{CHASSIS}/1": {"EnvironmentMetrics": {"@odata.id": f"{CHASSIS}/1/EnvironmentMetrics"}},
    f"{CHASSIS}/1/EnvironmentMetrics": {"PowerWatts": {"Reading": 100}},
}

# What a device of the tree says, by the plugin that asks it: 100 W.
FILES = {
    "upsd/alive/ups.txt": "ups.status: OL\nups.realpower: 100\n",
    "http/alive": '{"power": 100}',
    "redfish/alive.json": json.dumps(BMC),
    "modbus/alive.txt": "input 52 float32 100",
    "ipmitool": IPMITOOL,
    "snmp/alive.txt": ".1.3.6.1.2.1.33.1.4.4.1.4.1 = INTEGER: 100",
    "p1/alive.txt": "/XXX5METER\n\n1-0:1.7.0(00.100*kW)\n!",
}


ADDRESSES = {"refuses": "127.0.0.1:1", "alive": "127.0.0.1:3"}
OPTIONS = {
    RecordedUps: {"address": "{}"},
    RecordedHttp: {"url": "http://{}", "power_watts": "/power"},
    RecordedRedfish: {"url": "http://{}", **LOGIN},
    RecordedModbus: {"address": "{}", "model": "eastron-sdm630"},
    RecordedDsmr: {"address": "{}"},
    RecordedSnmp: {"address": "{}", "community": "public", "table": "rfc1628"},
    Ipmi: {"address": "{}", "interface": "lan", **LOGIN},
}


def on_the_network(cls):
    """The kind whose device `alive` is one of the tree, and no other."""

    class Mixed(cls):
        async def ask(self, device):
            return await self._kind(device).ask(self, device)

        async def _get(self, device, path):
            return await self._kind(device)._get(self, device, path)

        def _kind(self, device):
            return cls if device.name == "alive" else cls.__base__

    return cls if cls is Ipmi else Mixed


@pytest.fixture
def silent(request):
    """An address that takes connections and datagrams and says nothing; for ipmi the one of a program that hangs."""
    cls = request.getfixturevalue("cls")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        heard = receiver if cls is RecordedSnmp else server
        yield "127.0.0.1:2" if cls is Ipmi else f"127.0.0.1:{heard.getsockname()[1]}"


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "ipmitool").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


@pytest.mark.parametrize("cls", OPTIONS, ids=lambda cls: cls.name)
def test_two_dead_of_three_leave_the_third_whole(cls, collector_harness, root, silent, eventually):
    addresses = ADDRESSES | {"hangs": silent}
    devices = [
        {"name": name, **{option: value.format(address) for option, value in OPTIONS[cls].items()}}
        for name, address in addresses.items()
    ]
    made = collector_harness(on_the_network(cls), root, interval=0.2, timeout=60.0, devices=devices)
    health = made.collector.health

    def states(advance=0.0):
        made.run(advance=advance)
        return {device: state for (device,), state in made.series(health.up).items()}

    def watts():
        powers = [metric for metric in made.snapshot.layout.metrics if metric.name.endswith("power_watts")]
        return [value for each in powers for key, value in made.series(each).items() if key[0] == "alive"]

    eventually(lambda: states().get("alive"))
    for _ in range(5):
        assert states(0.5)["alive"] == 1
        assert watts() == [100]
    made.run(advance=50)  # past the deadline of a call

    def reasons():  # of one whose call was under way when the clock jumped the right one comes with the next call
        made.run(advance=1.0)
        return set(made.series(health.unavailable))

    eventually(lambda: reasons() == {("refuses", "unreachable"), ("hangs", "timeout")})
    assert states() == {"refuses": 0, "alive": 1, "hangs": 0}
    assert watts() == [100]

"""Meters on the network: what a hundred of each kind cost when a third of them never answers, and who is late then."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Program, energy_collector

DEVICES = 100
DEAD_EVERY = 3
INTERVAL = 10  # seconds
SHARE = Goal(bar=1.0, stretch=0.5)
OIDS = [
    {"metric": metric, "oid": f"1.3.6.1.4.1.9999.1.{number}.0"}
    for number, metric in enumerate(("power_watts", "energy_wh", "voltage_volts", "current_amperes"))
]
KINDS: Mapping[str, Mapping[str, Any]] = {
    "http": {"model": "shelly-gen2"},
    "modbus": {"model": "eastron-sdm630"},
    "snmp": {"oids": OIDS},
    "ups": {},
    "redfish": {"username": "monitor", "password": "secret"},
    "dsmr": {},
}
AT_URLS = frozenset({"http", "redfish"})


def measure(effort: Effort) -> list[Figure]:
    """CPU of each kind, less that of the same program without devices."""
    with _devices() as ports, energy_collector({"system": {}}, history=False) as idle:
        return [_figure(kind, ports, idle, effort) for kind in KINDS]


def _figure(kind: str, ports: Mapping[str, Sequence[int]], idle: Program, effort: Effort) -> Figure:
    section = {"interval": f"{INTERVAL}s", "options": {"devices": list(_entries(kind, ports))}}
    with energy_collector({"system": {}, kind: section}, until=f"{kind}_device_up", history=False) as ours:
        time.sleep(INTERVAL)  # the dead have been found out
        shares = [_share(ours, idle) for _ in range(effort.idle_windows)]
        alive = _alive(ours, kind)
    expected = DEVICES - len(range(0, DEVICES, DEAD_EVERY))
    if alive != expected:
        raise RuntimeError(f"{alive} of {expected} {kind} devices that answer are shown")
    note = f"all {alive} that answer are shown"
    return Figure(
        "meters", f"CPU of {DEVICES} {kind} devices at {INTERVAL} s, a third dead", "%", shares, goal=SHARE, note=note
    )


def _share(ours: Program, idle: Program) -> float:
    """Percent of a core in one window of two intervals."""
    before = [each.process.cpu_seconds() for each in (ours, idle)]
    time.sleep(2 * INTERVAL)
    own, base = (each.process.cpu_seconds() - old for each, old in zip((ours, idle), before, strict=True))
    return 100 * (own - base) / (2 * INTERVAL)


def _alive(ours: Program, kind: str) -> int:
    lines = ours.client.scrape().text.splitlines()
    return sum(line.startswith(f"{kind}_device_up{{") and line.endswith(" 1.0") for line in lines)


def _entries(kind: str, ports: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, Any]]:
    dead = ports["deaf" if kind == "snmp" else "silent"]
    for number in range(DEVICES):
        port = (ports[kind] if number % DEAD_EVERY else dead)[number]
        place = {"url": f"http://127.0.0.1:{port}"} if kind in AT_URLS else {"address": f"127.0.0.1:{port}"}
        yield {"name": f"{kind}-{number}", **place, **KINDS[kind]}


@contextmanager
def _devices() -> Iterator[Mapping[str, Sequence[int]]]:
    command: Sequence[str] = (sys.executable, "-m", "bench.meter_devices", str(DEVICES))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()

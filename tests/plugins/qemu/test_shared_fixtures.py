"""Command lines of real deployments and the shared fake /proc, where they lie beside the checkout."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from collector_core.testing import Harness
from collector_plugins.qemu import Qemu, cmdline, metrics

from .conftest import MODEL

FIXTURES = Path(__file__).resolve().parents[4] / "shared/fixtures/qemu"

pytestmark = pytest.mark.skipif(not FIXTURES.exists(), reason="the shared fixtures are not beside this checkout")


def lines():
    return [json.loads(line) for line in (FIXTURES / "cmdlines.jsonl").read_text().splitlines()]


@pytest.fixture
def fake(tmp_path):
    spec = importlib.util.spec_from_file_location("fakeproc", FIXTURES / "fakeproc.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FakeProc(tmp_path / "proc")


def test_every_command_line_is_what_it_is():
    for case in lines():
        assert cmdline.is_emulator(case["argv"][0]) is case["is_vm"], case["id"]
        if case["is_vm"]:
            found = cmdline.describe(case["argv"])
            assert (found.name, found.vcpus, found.uuid or None) == (case["name"], case["vcpus"], case["uuid"]), case[
                "id"
            ]


def test_their_guests_are_watched_burnt_killed_and_left_as_zombies(fake, tmp_path, collector_harness):
    pids = {case["name"]: fake.add(case["argv"], case["comm"]) for case in lines() if case["is_vm"]}
    for case in lines():
        if not case["is_vm"]:
            fake.add(case["argv"], case["comm"])
    harness: Harness = collector_harness(Qemu, tmp_path, **MODEL)
    harness.run()
    for pid in pids.values():
        fake.burn(pid, utime=1.2, stime=0.3)
    harness.run(advance=1)
    usage = {vm: value for (vm, _), value in harness.series(metrics.VM_CPU_USAGE).items()}
    assert usage == dict.fromkeys(pids, 1.5)
    fake.kill(pids["devbox"])
    fake.zombie(pids["web-01"])
    harness.run(advance=1)
    assert {vm for vm, _ in harness.series(metrics.VM_POWER)} == pids.keys() - {"devbox", "web-01"}

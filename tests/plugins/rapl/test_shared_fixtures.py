"""The shared powercap tool and its expected results, where they lie beside the checkout."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_plugins.rapl import ENERGY, POWER, UNKNOWN_GAPS

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "powercap"
EXPECTED = sorted((FIXTURES / "expected").glob("*.json"))

pytestmark = pytest.mark.skipif(not EXPECTED, reason="the shared fixtures are not beside this checkout")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("fakepowercap", FIXTURES / "fakepowercap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=EXPECTED, ids=lambda file: file.stem)
def expected(request):
    return json.loads(request.param.read_text())


def build(tool, rig, expected):
    rig.tree.root.joinpath("sys").mkdir()
    return tool.build(str(rig.tree.root / "sys"), expected["scenario"])


def steps(tool, rig, truth, count, seconds):
    """Advance so often, then read."""
    tool.advance(str(rig.tree.root / "sys"), truth, seconds, None, count)
    rig.clock.advance(seconds * count)
    return rig.run()


def check(run, expected):
    readable = {path: zone for path, zone in expected["zones"].items() if zone["readable"]}
    assert run.by_path(ENERGY) == pytest.approx({path: zone["joules_since_build"] for path, zone in readable.items()})
    assert set(run.by_path(UNKNOWN_GAPS).values()) == {0.0}
    assert set(run.failures) == set(expected["zones"]) - set(readable)
    counted = [path for path, role in run.roles().items() if role in {"package", "die", "dram"}]
    assert sum(run.by_path(ENERGY)[path] for path in counted) == pytest.approx(expected["host_joules_since_build"])
    return readable, sum(run.by_path(POWER)[path] for path in counted)


def test_ten_steps_give_the_expected_joules_and_watts(tool, rig, expected):
    truth = build(tool, rig, expected)
    rig.open()
    for _ in range(expected["steps"]):
        run = steps(tool, rig, truth, 1, expected["seconds"] / expected["steps"])
    readable, watts = check(run, expected)
    assert run.by_path(POWER) == pytest.approx({path: zone["last_watts"] for path, zone in readable.items()})
    assert watts == pytest.approx(expected["host_watts"])


def test_ten_steps_between_two_readings_give_the_same_joules(tool, rig, expected):
    truth = build(tool, rig, expected)
    rig.open()
    check(steps(tool, rig, truth, expected["steps"], expected["seconds"] / expected["steps"]), expected)


def test_what_only_root_may_read_is_denied_to_others(tool, rig, expected):
    build(tool, rig, expected)
    with rig.unprivileged():
        if expected["non_root_readable"]:
            rig.open()
        else:
            with pytest.raises(NotAvailable) as raised:
                rig.open()
            assert raised.value.reason == "permission"

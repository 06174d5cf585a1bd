"""The rule that makes each joule count once."""

from __future__ import annotations

from itertools import permutations

import pytest

from collector_core.energy import Component, EnergyMeter, EnergyMethod, Prefer, choose
from collector_core.errors import DeclarationError

PLATFORM = frozenset({Component.CPU, Component.DRAM})


def meter(component, device, method="rapl", **more):
    nothing = {"latest": lambda: None, "read": lambda: None}
    return EnergyMeter(component, device, method, **{"uncertainty": 0.05, "period": 1.0} | nothing | more)


PACKAGE = meter("cpu", "package-0")
OTHER_PACKAGE = meter("cpu", "package-1")
DRAM = meter("dram", "package-0")
PSYS = meter("host", "psys", covers=PLATFORM)
COUNTER = meter("gpu", "GPU-0", "nvml_counter")
INTEGRAL = meter("gpu", "GPU-0", "power_integral")
OTHER_GPU = meter("gpu", "GPU-1", "power_integral")
CPU_MODEL = meter("cpu", "cpu", "model")
DRAM_MODEL = meter("dram", "memory", "model")
PLUG = meter("plug", "heater", "meter")
BATTERY = meter("battery", "f3800", "meter")
WALL = meter("host", "wall", "meter", covers=PLATFORM | {Component.GPU})
GUEST = meter("cpu", "vm", "model", inside=Component.CPU)
GREENHOUSE = meter("greenhouse", "lamps", "clamp")
NPU = meter("npu", "npu-0", "driver", of_machine=True)
CLAMP = meter("gpu", "GPU-0", "clamp")
ROUGH_CLAMP = meter("gpu", "GPU-0", "rough_clamp", uncertainty=0.3)
CLAMP_OF_ANOTHER = meter("gpu", "GPU-1", "clamp")
GPU_MODEL = meter("gpu", "GPU-0", "model")


@pytest.mark.parametrize(
    ("meters", "prefer", "counted"),
    [
        ([PACKAGE, OTHER_PACKAGE, DRAM], "package", [PACKAGE, OTHER_PACKAGE, DRAM]),
        ([PACKAGE, DRAM, PSYS], "package", [PACKAGE, DRAM]),
        ([PACKAGE, DRAM, PSYS], "psys", [PSYS]),
        ([PACKAGE, DRAM, PSYS, COUNTER], "psys", [PSYS, COUNTER]),
        ([PSYS], "package", [PSYS]),
        ([PSYS, CPU_MODEL, DRAM_MODEL], "package", [PSYS]),
        ([PACKAGE, DRAM], "psys", [PACKAGE, DRAM]),
        ([COUNTER, INTEGRAL, OTHER_GPU], "package", [COUNTER, OTHER_GPU]),
        ([PACKAGE, CPU_MODEL, DRAM_MODEL], "package", [PACKAGE, DRAM_MODEL]),
        ([CPU_MODEL, DRAM_MODEL], "package", [CPU_MODEL, DRAM_MODEL]),
        ([PACKAGE, GUEST], "package", [PACKAGE]),
        ([GUEST], "package", []),
        ([PACKAGE, PLUG, BATTERY], "package", [PACKAGE]),
        ([PACKAGE, DRAM, COUNTER, WALL], "package", [PACKAGE, DRAM, COUNTER]),
        ([PACKAGE, DRAM, COUNTER, WALL], "psys", [WALL]),
        ([PACKAGE, GREENHOUSE], "package", [PACKAGE]),
        ([PACKAGE, NPU], "package", [PACKAGE, NPU]),
        ([COUNTER, CLAMP], "package", [COUNTER]),
        ([INTEGRAL, CLAMP], "package", [INTEGRAL]),
        ([CLAMP, GPU_MODEL, ROUGH_CLAMP], "package", [CLAMP]),
        ([CLAMP_OF_ANOTHER, GPU_MODEL], "package", [CLAMP_OF_ANOTHER]),
        ([], "package", []),
    ],
)
def test_what_counts(meters, prefer, counted):
    for order in permutations(meters):
        assert set(map(id, choose(order, Prefer(prefer)))) == set(map(id, counted))


@pytest.mark.parametrize(
    "wrong", [{"uncertainty": -0.1}, {"period": float("nan")}, {"uncertainty": float("inf")}, {"max_watts": 0}]
)
def test_a_meter_states_sane_numbers(wrong):
    sane = {"uncertainty": 0.1, "period": 1.0} | wrong
    with pytest.raises(DeclarationError, match=r"energy meter cpu x \(rapl\)"):
        EnergyMeter(Component.CPU, "x", EnergyMethod.RAPL, latest=lambda: None, read=lambda: None, **sane)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"component": "Green House"}, "'Green House'"),
        ({"component": ""}, "''"),
        ({"method": "clamp-meter"}, "'clamp-meter'"),
        ({"covers": frozenset({"CPU"})}, "'CPU'"),
        ({"inside": "the cpu"}, "'the cpu'"),
    ],
)
def test_components_and_methods_are_words(wrong, word):
    with pytest.raises(DeclarationError, match=f"{word} must be snake_case"):
        meter(**{"component": "greenhouse", "device": "lamps", "method": "clamp"} | wrong)

"""Simulated hosts: several that answer, one that is down, GPUs at their limits and too hot at times."""

import pytest

from collector_core.demo.rack import Rack
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.simulation import DemoNvidia

HOUR = 3600.0
MONDAY = 1_767_571_200.0


@pytest.fixture
def harness(collector_harness):
    harness = collector_harness(DemoNvidia)
    harness.clock.wall_time = MONDAY
    harness.run()
    harness.run(advance=5.0)
    return harness


def test_hosts_answer_but_one_that_is_down(harness):
    up = {labels[0]: value for labels, value in harness.series(metrics.HOST_UP).items()}
    assert up == {"rack-1": 1, "gpu-a": 1, "gpu-b": 1, "gpu-c": 0}
    assert harness.value(metrics.HOST_UNAVAILABLE, host="gpu-c", source="ssh", reason="unreachable") == 1
    assert harness.value(metrics.HOSTS_REPORTING) == 3
    assert {failure.labels["host"] for failure in harness.part_failures} == {"gpu-c"}


def test_the_power_of_the_cluster_is_not_known_while_a_host_is_down(harness):
    assert len(harness.series(metrics.POWER)) == len(Rack().gpus)
    assert harness.value(metrics.HOSTS) == 4
    assert harness.value(metrics.CLUSTER_POWER) is None


def test_energy_is_counted_here_and_integrated_elsewhere(harness):
    methods = {(labels[0], labels[3]) for labels in harness.series(metrics.ENERGY_METHOD)}
    assert methods == {("rack-1", "nvml_counter"), ("gpu-a", "power_integral"), ("gpu-b", "power_integral")}
    for labels, joules in harness.series(metrics.ENERGY).items():
        assert joules == pytest.approx(5 * harness.series(metrics.POWER)[labels], rel=0.2)


def test_the_gpus_of_other_hosts_are_meters_of_these(harness):
    own = {gpu.uuid for gpu in Rack().gpus if gpu.host == "rack-1"}
    meters = harness.collector.collector_energy_meters()
    assert {meter.device for meter in meters if not meter.is_foreign} == own
    assert {meter.host for meter in meters if meter.is_foreign} == {"gpu-a", "gpu-b"}


def test_within_a_week_gpus_reach_their_limit_and_are_throttled_by_heat(harness):
    reasons, usage = set(), set()
    for _ in range(7 * 12):
        harness.run(advance=2 * HOUR)
        reasons |= {labels[-1] for labels, holds in harness.series(metrics.THROTTLED).items() if holds}
        usage |= set(harness.series(metrics.POWER_LIMIT_USAGE).values())
    assert {"sw_power_cap", "sw_thermal_slowdown", "gpu_idle"} <= reasons
    assert 0.95 < max(usage) <= 1
    assert min(usage) < 0.3

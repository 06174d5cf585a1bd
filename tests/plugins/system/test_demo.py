"""The simulated machine shows all that a real one does, and its numbers fit together."""

import pytest

from collector_plugins.system import metrics
from collector_plugins.system.demo import DemoSystem


@pytest.fixture
def harness(collector_harness):
    harness = collector_harness(DemoSystem)
    harness.run()
    harness.run(advance=5.0)
    return harness


def test_every_metric_has_series(harness):
    assert [metric.name for metric in DemoSystem.metrics if not harness.series(metric)] == []
    assert harness.part_failures == []


def test_all_time_of_a_cpu_is_in_one_mode(harness):
    assert len(harness.series(metrics.CPU_CORE_USAGE)) == 32
    seconds = {}
    for (cpu, _), value in harness.series(metrics.CPU_SECONDS).items():
        seconds[cpu] = seconds.get(cpu, 0.0) + value
    assert list(seconds.values()) == pytest.approx([5.0] * 32)


def test_the_load_follows_the_use_of_the_cpus(harness):
    busy = 32 * harness.value(metrics.CPU_USAGE)
    assert harness.value(metrics.LOAD_AVERAGE, period="1m") == pytest.approx(busy, rel=0.5)


def test_memory_and_file_systems_are_not_more_than_full(harness):
    total = harness.value(metrics.MEMORY_TOTAL)
    parts = (metrics.MEMORY_USED, metrics.MEMORY_CACHED, metrics.MEMORY_BUFFERS, metrics.MEMORY_FREE)
    assert sum(harness.value(part) for part in parts) == pytest.approx(total)
    for labels, available in harness.series(metrics.FILESYSTEM_AVAILABLE).items():
        assert 0 < available < harness.series(metrics.FILESYSTEM_SIZE)[labels]


def test_a_run_that_failed_costs_no_counter(harness):
    before = harness.series(metrics.RECEIVE_BYTES)
    harness.collector.close()
    harness.collector.open()
    harness.run(advance=5.0)
    assert all(value > before[labels] for labels, value in harness.series(metrics.RECEIVE_BYTES).items())

"""What `run --demo` shows: an example that comes and goes, and no file of it."""

from collector_core.testing import FakeClock
from collector_plugins.anomaly import metrics
from collector_plugins.anomaly.demo import DemoAnomaly

HALF_HOUR = 1_800_000_000.0
EXAMPLE = {"component": "gpu", "type": "level", "severity": "4"}


def demo(make, tmp_path, wall_time=HALF_HOUR):
    return make(DemoAnomaly, clock=FakeClock(wall_time=wall_time), state_dir=str(tmp_path / "state"))


def test_the_example_comes_and_goes_and_comes_back(collector_harness, tmp_path):
    found = demo(collector_harness, tmp_path)
    found.run()
    assert found.value(metrics.ACTIVE, **EXAMPLE) == 1
    found.run(advance=599)
    assert found.value(metrics.ACTIVE, **EXAMPLE) == 1
    found.run(advance=1)
    assert found.value(metrics.ACTIVE, **EXAMPLE) == 0
    found.run(advance=1200)
    assert found.value(metrics.ACTIVE, **EXAMPLE) == 1
    assert found.value(metrics.DETECTED, **EXAMPLE) == 2
    first, second = reversed(found.collector._latest)
    assert (first.ended, second.ended) == (HALF_HOUR + 600, None)


def test_outside_its_ten_minutes_there_is_no_example(collector_harness, tmp_path):
    found = demo(collector_harness, tmp_path, HALF_HOUR + 601)
    found.run()
    assert found.value(metrics.ACTIVE, **EXAMPLE) is None


def test_the_example_reads_like_a_real_one(collector_harness, tmp_path):
    found = demo(collector_harness, tmp_path)
    found.run()
    [incident] = found.collector._latest
    assert incident.description == (
        "GPU power (gpu=0) is 338 W, expected 142 W ± 9.5 W at this time of day; the highest in 6 days"
    )
    assert incident.actions[0] == "See what runs on the GPU: nvidia-smi"
    assert len(incident.related) == 2


def test_it_keeps_no_file_whatever_was_learnt(collector_harness, tmp_path):
    found = demo(collector_harness, tmp_path)
    for _ in range(20):
        found.run(advance=10)
    assert found.collector.watcher.rows > 0
    found.collector.close()
    assert not (tmp_path / "state").exists()

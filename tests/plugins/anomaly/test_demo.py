"""What `run --demo` shows: an example that comes and goes, and no file of it."""

import pytest

from collector_core.testing import FakeClock
from collector_plugins.anomaly import metrics
from collector_plugins.anomaly.demo import DURATION, FIRST, PERIOD, DemoAnomaly

NOW = 1_800_000_000.0
EXAMPLE = {"component": "gpu", "type": "level", "severity": "4"}


@pytest.fixture
def demo(collector_harness, tmp_path):
    """The demo just before its first example."""
    made = collector_harness(DemoAnomaly, clock=FakeClock(wall_time=NOW), state_dir=str(tmp_path / "state"))
    made.run()
    assert made.value(metrics.ACTIVE, **EXAMPLE) is None
    return made


def test_the_example_comes_soon_after_the_start_goes_and_comes_back(demo):
    demo.run(advance=FIRST)
    assert demo.value(metrics.ACTIVE, **EXAMPLE) == 1
    demo.run(advance=DURATION - 1)
    assert demo.value(metrics.ACTIVE, **EXAMPLE) == 1
    demo.run(advance=1)
    assert demo.value(metrics.ACTIVE, **EXAMPLE) == 0
    demo.run(advance=PERIOD - DURATION)
    assert demo.value(metrics.ACTIVE, **EXAMPLE) == 1
    assert demo.value(metrics.DETECTED, **EXAMPLE) == 2
    first, second = reversed(demo.collector._latest)
    assert (first.ended, second.ended) == (NOW + FIRST + DURATION, None)


def test_the_example_reads_like_a_real_one(demo):
    demo.run(advance=FIRST)
    [incident] = demo.collector._latest
    assert incident.description == (
        "GPU power (gpu=0) is 338 W, expected 142 W ± 9.5 W at this time of day; the highest in 6 days"
    )
    assert incident.actions[0] == "See what runs on the GPU: nvidia-smi"
    assert len(incident.related) == 2


def test_it_keeps_no_file_whatever_was_learnt(demo, tmp_path):
    for _ in range(20):
        demo.run(advance=10)
    assert demo.collector.watcher.rows > 0
    demo.collector.close()
    assert not (tmp_path / "state").exists()

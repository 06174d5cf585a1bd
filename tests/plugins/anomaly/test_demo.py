"""What `run --demo` shows: an example that comes and goes, and no file of it."""

from collector_core.testing import FakeClock
from collector_plugins.anomaly import metrics
from collector_plugins.anomaly.demo import DemoAnomaly

HALF_HOUR = 1_800_000_000.0


def test_the_example_comes_and_goes_and_nothing_is_kept(collector_harness, tmp_path):
    found = collector_harness(DemoAnomaly, clock=FakeClock(wall_time=HALF_HOUR), state_dir=str(tmp_path / "state"))
    found.run()
    assert found.value(metrics.ACTIVE, component="gpu", type="level", severity="4") == 1
    found.run(advance=700)
    assert found.value(metrics.ACTIVE, component="gpu", type="level", severity="4") == 0
    found.collector.close()
    assert not (tmp_path / "state").exists()

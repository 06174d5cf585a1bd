"""What `run --demo` shows of ways to other hosts: nobody is asked."""

from collector_core.testing import FakeClock
from collector_plugins.performance import metrics
from collector_plugins.performance.demo import TARGETS, DemoPerformance


def test_targets_are_simulated_with_latency_and_loss(collector_harness):
    demo = collector_harness(DemoPerformance, clock=FakeClock(wall_time=1_800_000_000.0))
    lossy = 0
    for _ in range(60):
        demo.run(advance=60)
        latencies, losses = demo.series(metrics.LATENCY), demo.series(metrics.LOSS)
        assert latencies.keys() == losses.keys() == {(name,) for name in TARGETS}
        assert all(0 < seconds < 0.1 for seconds in latencies.values())
        assert all(0 <= ratio <= 0.1 for ratio in losses.values())
        lossy += any(losses.values())
    assert 0 < lossy < 60

"""The demo's models: every metric, sane values, the same at the same time."""

from __future__ import annotations

from collector_core.testing import FakeClock
from collector_plugins.inference import collector_demo_types, metrics

HOUR = 3600


def test_every_metric_has_values_that_make_sense_at_any_hour(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo)
    before = {}
    for _ in range(48):
        harness.run(advance=HOUR)
        seen = {metric: harness.series(metric) for metric in metrics.ALL}
        assert all(seen.values())
        for metric, series in seen.items():
            for key, value in series.items():
                assert value >= 0
                assert metric.unit != "ratio" or value <= 1
                assert metric.kind != "counter" or value >= before.get((metric, key), 0)
                before[metric, key] = value
        for model in seen[metrics.LATENCY_MEAN]:
            assert seen[metrics.LATENCY_MEAN][model] < seen[metrics.LATENCY_P95][model]
            assert seen[metrics.LATENCY_P95][model] < seen[metrics.LATENCY_P99][model]


def test_two_that_start_at_the_same_time_agree(collector_harness):
    (demo,) = collector_demo_types()
    one, other = (collector_harness(demo, clock=FakeClock()) for _ in range(2))
    one.run()
    other.run()
    assert one.exposition() == other.exposition()

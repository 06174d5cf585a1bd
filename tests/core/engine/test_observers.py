"""Collectors that see the runs of others, and what all sources show."""

from asyncio import CancelledError
from pathlib import Path

import pytest

from collector_core import Collector, Gauge, Readings, Result, RunReport, Selector, hookimpl
from collector_core.engine.app import App
from collector_core.engine.hooks import MAX_REPORTS_WAITING
from collector_core.exposition.sources import Exposition
from collector_core.testing import FakeClock, Harness

SEEN = Gauge("watcher_seen", "Runs seen.")


def make_watcher(see):
    class Watcher(Collector):
        """Counts."""

        name, metrics, after_others = "watcher", (SEEN,), True

        def __init__(self, config, ctx):
            super().__init__(config, ctx)
            self.seen = []

        @hookimpl
        def collector_run_finished(self, report):
            self.seen.append(report)
            see(report)

        def collect(self, out):
            out.add(SEEN, len(self.seen))

    return Watcher


@pytest.fixture
def app(instance):
    made = App(root=Path("/"))
    made.build = lambda cls, **changes: made.add(instance(cls, **changes))
    yield made
    made.stop(0.5)


def test_an_observer_sees_good_and_bad_runs_of_others_but_not_its_own(app, probe):
    cls, script = probe
    other, watcher = app.build(cls, labels=(("site", "barn"),)), app.build(make_watcher(lambda report: None))
    other.run_now()
    script.collect = lambda out: 1 / 0
    other.run_now()
    watcher.run_now()
    watcher.run_now()
    good, bad = watcher._collector.seen
    assert (good.collector, good.result, dict(good.labels)) == ("probe", Result.OK, {"site": "barn"})
    assert [value for _, value in Selector.parse("probe_power_watts").select([good.published])] == [1]
    assert (bad.result, bad.snapshot, "division" in bad.error) == (Result.ERROR, None, True)
    assert not list(Selector.parse("*").select([bad.published]))


def test_what_an_observer_raises_is_counted_and_harms_no_run(app, probe):
    other, watcher = app.build(probe[0]), app.build(make_watcher(lambda report: 1 / 0))
    other.run_now()
    report = watcher.run_now()
    assert report.result is Result.OK
    assert watcher.health.part_failures == 1


@pytest.mark.parametrize("error", [SystemExit("enough"), KeyboardInterrupt(), CancelledError(), BaseException("panic")])
def test_an_observer_that_wants_to_end_everything_keeps_its_thread(app, probe, error):
    def give_up(report):
        raise error

    other, watcher = app.build(probe[0]), app.build(make_watcher(give_up))
    for runs in (1, 2):
        other.run_now()
        assert watcher.run_now().result is Result.OK
        assert watcher.health.part_failures == runs


def test_an_observer_that_does_not_run_keeps_the_newest_reports_only(app, probe):
    watcher = app.build(make_watcher(lambda report: None))
    for number in range(MAX_REPORTS_WAITING + 3):
        watcher.hooks.hear(RunReport("probe", "probe", Result.OK, 0.1, number))
    watcher.run_now()
    seen = watcher._collector.seen
    assert (len(seen), seen[-1].ended_at) == (MAX_REPORTS_WAITING, MAX_REPORTS_WAITING + 2)
    assert watcher.health.dropped_reports == 3


def test_what_is_published_includes_health_and_leaves_with_its_collector(app, probe):
    other = app.build(probe[0])
    other.run_now()
    shown = other._collector.ctx.published()
    assert {"probe", "probe (health)", "collector"} <= {each.source for each in shown}
    up = Selector.parse('collector_up{collector="probe"}')
    assert [value for _, value in up.select(shown)] == [1]
    other.stop()
    assert not list(Selector.parse("probe_power_watts").select(other._collector.ctx.published()))


def test_what_is_stale_is_published_no_longer():
    clock = FakeClock()
    exposition = Exposition(clock)
    out = Readings((SEEN,), max_series=1)
    out.add(SEEN, 1)
    exposition.source("watcher", (SEEN,)).publish(out.snapshot(), expires_at=clock.monotonic() + 5)
    assert [len(each.snapshot) for each in exposition.published()] == [1]
    clock.advance(5)
    assert [len(each.snapshot) for each in exposition.published()] == [0]


def test_the_harness_lets_one_collector_see_another(probe):
    source = Harness(probe[0])
    source.run()
    watcher = Harness(make_watcher(lambda report: None), published=source.published)
    watcher.hear(source.report())
    watcher.hear(source.report(Result.TIMEOUT, error="no answer"))
    watcher.run()
    assert watcher.value(SEEN) == 2
    assert [value for _, value in Selector.parse("probe_*").select(watcher.context.published())] == [1]
    source.close()
    watcher.close()

"""Series learn from the history before they are judged, once, and nothing holds them back for ever."""

import threading
from random import Random

import pytest

from collector_core import Collector, Counter, Gauge, History, HistoryUnavailable, Selector, Unit
from collector_core.testing import FakeClock, Harness
from collector_plugins.anomaly import Anomaly, past_learner
from collector_plugins.anomaly.past_rows import past_rows

POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="plug")
BYTES = Counter("lamp_sent_bytes_total", "Bytes.", Unit.BYTES, ("plug",), topic="sent", of="plug")
NOW = 1_790_000_000 // 3600 * 3600
DAY = 86_400
ROW = 300.0


class Lamp(Collector):
    """Shows what the test says."""

    name, metrics = "lamp", (POWER, BYTES)
    watts = 100.0
    total = 0.0

    def collect(self, out):
        out.add(POWER, self.watts, plug="a")
        out.add(BYTES, self.total, plug="a")


class Node:
    """The plugin beside a lamp, with a history."""

    def __init__(self, folder, history, clock):
        self.clock, self.is_closed = clock, False
        self.lamp = Harness(Lamp, clock=clock)
        self.harness = Harness(
            Anomaly, clock=clock, history=history, row=ROW, state_dir=str(folder), history_days=0, warm_up_days=2
        )

    @property
    def learner(self):
        return self.harness.collector._past

    def run(self, rows=1):
        for _ in range(rows):
            self.lamp.run(advance=ROW)
            self.harness.hear(self.lamp.report())
            self.harness.run()

    def finish_learning(self, eventually):
        self.run()
        eventually(lambda: self.harness.run() and not self.learner.held)

    def series(self, name="lamp_power_watts"):
        return self.harness.collector.watcher.series[f'{name}{{plug="a"}}']

    def close(self):
        """Once: the second time does nothing."""
        for harness in (self.harness, self.lamp) if not self.is_closed else ():
            harness.close()
        self.is_closed = True


@pytest.fixture
def node(tmp_path):
    made = []

    def make(history, clock=None):
        made.append(Node(tmp_path / "state", history, clock or FakeClock(wall_time=NOW)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def usual(start, end, level=100.0):
    random = Random(7)
    return [(start + 60 * n, round(random.gauss(level, 2), 2)) for n in range(int((end - start) / 60))]


def test_what_was_recorded_counts_as_warm_up_and_raises_nothing(node, collector_history, eventually):
    readings = usual(NOW - 5 * DAY, NOW)
    readings[3000:3020] = [(time, 900.0) for time, _ in readings[3000:3020]]  # a day that was odd is no news
    collector_history.record(POWER, readings, plug="a", source="lamp")
    made = node(collector_history)
    made.finish_learning(eventually)
    watched = made.series()
    assert watched.rows_known == 5 * DAY / ROW
    assert watched.first_row_at == NOW - 5 * DAY + ROW
    assert made.harness.events == []
    assert made.harness.collector.watcher.incidents.store.newest_first() == []
    made.run(5)
    assert not watched.is_warming_up
    assert watched.expected == pytest.approx(100, abs=3)
    made.lamp.collector.watts = 5000.0
    made.run(3)
    assert [incident.series for incident in made.harness.collector.watcher.active_incidents()] == [watched.series.text]


def test_nothing_is_learnt_twice_and_the_time_between_two_runs_of_the_program_is(node, collector_history, eventually):
    collector_history.record(POWER, usual(NOW - 2 * DAY, NOW), plug="a", source="lamp")
    before = node(collector_history)
    before.finish_learning(eventually)
    before.run(4)
    known = before.series().rows_known
    last = before.series().last_row_at
    before.close()
    clock = before.clock
    clock.advance(10 * ROW)
    end = clock.time()
    collector_history.record(POWER, usual(NOW, end), plug="a", source="lamp")
    after = node(collector_history, clock)
    after.finish_learning(eventually)
    assert after.series().rows_known == known + (end - last) / ROW


def test_rows_of_a_counter_are_rates_and_a_gap_is_none(collector_history):
    times = [NOW + 60 * n for n in range(20)] + [NOW + 7200 + 60 * n for n in range(20)]
    series = collector_history.record(BYTES, [(t, 5.0 * (t - NOW)) for t in times], plug="a", source="lamp")
    rows = past_rows(collector_history, 60.0, series, NOW, NOW + 86_400)
    assert {value for _, value in rows} == {5.0}, "the rise over the gap is no rate"
    assert len(rows) == 38


@pytest.mark.parametrize("every", [120, 900])
def test_a_slow_counter_has_a_row_for_each_reading(collector_history, every):
    readings = [(NOW + every * n, 5.0 * every * n) for n in range(10)]
    series = collector_history.record(BYTES, readings, plug="a")
    rows = past_rows(collector_history, 60.0, series, NOW, NOW + 10 * every)
    assert {value for _, value in rows} == {5.0}


def test_learning_is_spread_over_runs_and_series_that_wait_are_not_judged(
    node, collector_history, eventually, monkeypatch
):
    monkeypatch.setattr(past_learner, "MOST_ROWS_A_RUN", 100)
    monkeypatch.setattr(past_learner, "LONGEST_WAIT", 30)
    collector_history.record(POWER, usual(NOW - DAY, NOW), plug="a", source="lamp")
    made = node(collector_history)
    made.run()
    assert made.series().rows_known == 100
    assert made.series().verdict is None
    made.run()
    assert made.series().rows_known == 200
    made.finish_learning(eventually)
    assert made.series().rows_known >= DAY / ROW


class Hanging(History):
    """A history on a disk that hangs until `go` is set, or that cannot be read."""

    is_kept = True

    def __init__(self, error=None):
        self.error = error
        self.go = threading.Event()

    def query(self, *_, **__):
        if self.error:
            raise self.error
        self.go.wait(60)
        return []


@pytest.mark.parametrize("error", [None, HistoryUnavailable("permission", "the disk has failed")])
def test_a_history_that_does_not_answer_is_given_up(node, monkeypatch, error, caplog):
    monkeypatch.setattr(past_learner, "LONGEST_WAIT", 0.01)
    history = Hanging(error)
    made = node(history)
    made.run()
    assert made.series().value is None, "not judged yet"
    made.run(2)
    assert not made.learner.held
    assert "learn nothing from the history" in caplog.text
    made.run(2)
    assert made.series().rows_known == 4
    history.go.set()


def test_a_series_that_no_selector_can_name_learns_nothing(collector_history):
    series = collector_history.record(POWER, usual(NOW, NOW + 3600), plug="a")
    odd = Selector.parse(series.text)
    assert odd.means(series)
    from dataclasses import replace

    strange = replace(series, text='{"strange name"}')
    assert past_rows(collector_history, 60.0, strange, NOW, NOW + 3600) == ()


def test_without_a_history_nothing_waits(node):
    made = node(History())
    made.run(2)
    assert not made.learner.held
    assert made.series().rows_known == 1

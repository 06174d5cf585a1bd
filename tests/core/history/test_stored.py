"""What plugins ask of the past."""

import threading

import pytest

from collector_core import Collector, Counter, Gauge, History, HistoryUnavailable, NotAvailable, Selector, Unit
from collector_core.engine.history_keeper import HistoryKeeper
from collector_core.exposition.sources import Exposition
from collector_core.history.options import HistoryOptions
from collector_core.history.schema import FILE
from collector_core.history.shared import SharedReader
from collector_core.history.store import Store
from collector_core.history.stored import StoredHistory, kept_history
from collector_core.testing import FakeClock, RecordedHistory

POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="plug")
ENERGY = Counter("lamp_energy_joules_total", "Energy.", Unit.JOULES, ("plug",), topic="energy", of="plug")
LEDGER = Counter(
    "energy_joules_total", "Energy.", Unit.JOULES, ("component", "device", "method"), topic="energy", of="host"
)
NOON = 1_790_000_000 // 86_400 * 86_400 + 43_200
ALL = (NOON - 86_400, NOON + 86_400)


def points(found):
    return {each.series.text: list(each.points) for each in found}


def test_readings_come_as_they_were_collected_in_a_half_open_period(collector_history):
    collector_history.record(POWER, [(NOON + 10 * n, n) for n in range(5)], plug="a")
    collector_history.record(POWER, [(NOON, 7)], plug="b")
    (found,) = collector_history.query(Selector.parse('lamp_power_watts{plug="a"}'), NOON, NOON + 40)
    assert found.points == [(NOON, 0), (NOON + 10, 1), (NOON + 20, 2), (NOON + 30, 3)]
    assert (found.unit, found.is_counter) == ("watts", False)
    assert (found.series.name, found.series.labels, found.series.topic) == ("lamp_power_watts", {"plug": "a"}, "power")
    assert set(points(collector_history.query(None, *ALL))) == {
        'lamp_power_watts{plug="a"}',
        'lamp_power_watts{plug="b"}',
    }


def test_steps_say_what_is_asked_of_them(collector_history):
    collector_history.record(POWER, [(NOON + 10 * n, n) for n in range(720)], plug="a")
    collector_history.record(ENERGY, [(NOON + 10 * n, 100 + 5 * n) for n in range(720)], plug="a")
    (power,) = collector_history.query(Selector.parse("lamp_power*"), NOON, NOON + 7200, step=3600, fn="max")
    assert power.points == [(NOON, 359), (NOON + 3600, 719)]
    (energy,) = collector_history.query(Selector.parse("lamp_energy*"), NOON, NOON + 7200, step=3600, fn="increase")
    assert energy.points == [(NOON, 359 * 5), (NOON + 3600, 360 * 5)]
    assert energy.is_counter


@pytest.mark.parametrize("asked", [{"fn": "median"}, {"fn": "rate"}, {"step": 0}, {"step": -1}, {"step": float("nan")}])
def test_what_makes_no_sense_is_refused(collector_history, asked):
    with pytest.raises(ValueError, match=r"median|rate|step"):
        collector_history.query(None, *ALL, **asked)


def test_events_and_energy_of_a_period(collector_history):
    collector_history.record_event(NOON + 1.5, "mode", "solix", "fast")
    (event,) = collector_history.events(*ALL)
    assert (event.time, event.kind, event.source, event.text) == (NOON + 1.5, "mode", "solix", "fast")
    for component, watts in (("cpu", 20), ("gpu", 100)):
        readings = [(NOON + 10 * n, 10 * watts * n) for n in range(7)]
        collector_history.record(LEDGER, readings, component=component, device="0", method="meter")
    energy = collector_history.energy(*ALL)
    assert (energy.joules, energy.covered_seconds, energy.cost, energy.grams) == (7200, 60, None, None)
    assert {name: part.joules for name, part in energy.parts.items()} == {"cpu": 1200, "gpu": 6000}
    with pytest.raises(ValueError, match="'colour' is none of component, device, method"):
        collector_history.energy(*ALL, by="colour")


def test_where_nothing_is_kept_there_is_nothing():
    history = History()
    assert not history.is_kept
    assert history.query(None, *ALL) == history.events(*ALL) == []
    assert history.energy(*ALL).joules == 0


def test_every_thread_may_ask(collector_history):
    collector_history.record(POWER, [(NOON, 7)], plug="a")
    found = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append(points(collector_history.query(None, *ALL))))
        thread.start()
        thread.join()
    assert found == [points(collector_history.query(None, *ALL))] * 3
    assert found[0]


def test_a_store_that_cannot_be_read_is_unavailable_until_it_can(tmp_path):
    folder = tmp_path / "history"
    RecordedHistory(folder).close()
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b"garbage" * 1000)
    opened = threading.Event()
    opened.set()
    history = StoredHistory(lambda: SharedReader(Store(folder)), opened)
    with pytest.raises(HistoryUnavailable, match="history"):
        history.query(None, *ALL)
    (folder / FILE).write_bytes(whole)
    assert history.query(None, *ALL) == []


def test_a_store_that_is_not_open_yet_is_waited_for_a_little(tmp_path, monkeypatch):
    monkeypatch.setattr("collector_core.history.stored.OPENING_SECONDS", 0.01)
    with pytest.raises(HistoryUnavailable, match="not open yet"):
        StoredHistory(lambda: SharedReader(Store(tmp_path)), threading.Event()).query(None, *ALL)


def test_a_collector_is_handed_its_history(collector_harness, collector_history):
    class Reader(Collector):
        """Shows the highest power of the last day."""

        name, metrics = "reader", (Gauge("reader_peak_watts", "Peak.", Unit.WATTS),)

        def collect(self, out):
            now = self.ctx.clock.time()
            for past in self.ctx.history.query(Selector.parse("lamp_power_watts"), now - 86_400, now):
                out.add(self.metrics[0], max(value for _, value in past.points))

    clock = FakeClock(wall_time=NOON)
    collector_history.record(POWER, [(NOON - 20, 7), (NOON - 10, 9)], plug="a")
    harness = collector_harness(Reader, clock=clock, history=collector_history)
    harness.run()
    assert harness.value(Reader.metrics[0]) == 9
    assert not collector_harness(Reader).context.history.is_kept


def test_a_reload_that_ends_the_history_ends_it_for_plugins(tmp_path):
    clock = FakeClock(wall_time=NOON)
    keeper = HistoryKeeper(Exposition(clock), clock)
    past = keeper.past
    assert not past.is_kept
    keeper.apply(HistoryOptions(path=tmp_path / "one"))
    keeper.record_event("mode", "solix", "fast")
    assert past.is_kept
    keeper.stop(5)
    assert [event.kind for event in past.events(*ALL)] == ["start", "mode", "stop"]
    keeper.apply(HistoryOptions(path=tmp_path / "two"))
    keeper.stop(5)
    assert [event.kind for event in past.events(*ALL)] == ["start", "stop"]
    keeper.apply(None)
    assert not past.is_kept
    assert past.events(*ALL) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_a_history_that_never_began_is_said_so_though_a_full_disk_has_left_a_file(tmp_path, is_there):
    if is_there:
        (tmp_path / FILE).touch()
    with pytest.raises(NotAvailable, match="there is no history") as caught:
        kept_history(HistoryOptions(path=tmp_path), FakeClock())
    assert caught.value.fix == "let the collector run for some time"

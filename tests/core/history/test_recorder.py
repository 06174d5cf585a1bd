"""What is stored of what was observed, in columns, is what each reading by itself would be."""

from array import array
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from collector_core import Counter, Gauge, Unit
from collector_core.history.clock_guard import ClockGuard
from collector_core.history.recorder import Recorder
from collector_core.history.rises import rise
from collector_core.history.selection import Selection
from collector_core.model.readings import Layout, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport

POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="plug")
LOAD = Gauge("lamp_load", "Load.", labels=("plug",), topic="load", of="plug")
ENERGY = Counter("lamp_energy_joules_total", "Energy.", Unit.JOULES, ("plug",), topic="energy", of="plug")
TURNS = Counter("lamp_turns_total", "Turns.", labels=("plug",), topic="number", of="plug")
METRICS = (POWER, LOAD, ENERGY, TURNS)
DECIMALS = {"watts": 2, "joules": 3}
STORED = 5.0  # the last value of every counter before this process

plugs = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)
numbers = st.integers(0, 10**7).map(lambda number: number / 1000) | st.floats(0, 1e15)


@st.composite
def runs(draw):
    """Runs of one collector whose things come and go, and at times are the same: layout and values of each."""
    found = []
    for keys in draw(st.lists(plugs, min_size=1, max_size=4)):
        layout = Layout({metric: [(key,) for key in keys] for metric in METRICS})
        for _ in range(draw(st.integers(1, 3))):
            size = len(keys) * len(METRICS)
            found.append((layout, array("d", draw(st.lists(numbers, min_size=size, max_size=size)))))
    return found


def report(number, layout, values):
    return RunReport("lamp", "lamp", Result.OK, 0.1, 1e9 + number, 10.0 + number, {}, Snapshot(layout, values))


def one_by_one(reports):
    """The rows that are stored, reading by reading."""
    last, rows = {}, []
    for each in reports:
        for metric in METRICS:
            for (plug,), value in each.snapshot.series(metric):
                places = DECIMALS.get(metric.unit)
                kept = value if places is None else round(value, places)
                growth = 0.0
                if metric.kind == "counter":
                    growth = rise(last.get((metric, plug), STORED), kept)
                    last[metric, plug] = kept
                rows.append((metric.name, plug, round(each.ended_at * 1000), kept, growth))
    return sorted(rows)


@given(runs(), st.integers(1, 4), st.booleans())
def test_columns_are_what_each_reading_is_by_itself(given_runs, flush, fails):
    reports = [report(number, *each) for number, each in enumerate(given_runs)]
    selection = Selection(['{__topic__!=""}'], DECIMALS)
    recorder = Recorder(lambda _: STORED, ClockGuard())
    rows = []
    for start in range(0, len(reports), flush):
        observed = [part for each in reports[start : start + flush] for part in selection.select(each, 30_000)]
        if fails:
            recorder.batches(observed)  # and the store refuses them
        batches = recorder.batches(observed)
        recorder.confirm()
        for sample in (sample for batch in batches for sample in batch.samples()):
            series = sample.kept.series
            rows.append((series.name, series.labels["plug"], sample.time, sample.value, sample.rise))
    for stored, expected in zip(sorted(rows), one_by_one(reports), strict=True):
        assert stored[:3] == expected[:3]
        # the same decimals; where a number lies between two of them, either will do
        assert abs(stored[3] - expected[3]) <= 0.01000001
        assert abs(stored[4] - expected[4]) <= 0.01000001 + 1e-9 * abs(expected[3])


def test_what_is_known_of_a_series_stays_when_others_come_and_go():
    selection = Selection(['{__topic__!=""}'], DECIMALS)

    def kept(number, keys, labels):
        layout = Layout({metric: [(key,) for key in keys] for metric in METRICS})
        values = array("d", range(len(keys) * len(METRICS)))
        run = replace(report(number, layout, values), labels=labels)
        (observed,) = selection.select(run, 30_000)
        found = dict(
            zip((each.series.text for each in observed.choice.group.kept), observed.choice.group.kept, strict=True)
        )
        shown = {
            f'{metric.name}{{room="{labels["room"]}",plug="{key}"}}': value
            for metric in METRICS
            for (key,), value in Snapshot(layout, values).series(metric)
        }
        told = zip(observed.choice.group.kept, observed.values, strict=True)
        assert {(each.series.name, each.series.labels["plug"]): value for each, value in told} == {
            (text.split("{")[0], text.split('plug="')[1][:1]): value for text, value in shown.items()
        }
        return found

    first = kept(0, "abc", {"room": "hall"})
    second = kept(1, "dcab", {"room": "hall"})
    assert len(second) == len(first) + len(METRICS)
    assert all(second[text] is series for text, series in first.items())
    assert kept(2, "ad", {"room": "attic"}).keys().isdisjoint(second)


def test_batches_have_a_row_for_each_run():
    selection = Selection(['{__topic__!=""}'], DECIMALS)
    layout = Layout({metric: [("a",), ("b",)] for metric in METRICS})
    reports = [report(number, layout, array("d", [number + 0.004] * 8)) for number in range(3)]
    observed = [part for each in reports for part in selection.select(each, 30_000)]
    (batch,) = Recorder(lambda _: None, ClockGuard()).batches(observed)
    assert list(batch.times) == [1_000_000_000_000, 1_000_000_001_000, 1_000_000_002_000]
    assert [kept.is_counter for kept in batch.group.kept] == [True] * 4 + [False] * 4
    assert list(batch.rises) == [0.0] * 4 + [1.0] * 8
    watts = [batch.values[row * 8 : row * 8 + 8][-2:] for row in range(3)]
    assert watts == [array("d", [number, number]) for number in (0.0, 1.0, 2.0)]

"""Half a day of a simulated rack, over midnight, as a process writes it: what is asked is what was simulated."""

import random
from array import array
from collections import defaultdict
from itertools import pairwise
from math import fsum

import pytest

from collector_core import Counter, Gauge, Unit
from collector_core.history import importing, query
from collector_core.history.energy import energy_of
from collector_core.history.options import HistoryOptions
from collector_core.history.query import Fn, HistoryQuery
from collector_core.history.service import HistoryService
from collector_core.history.store import EVER
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.readings import Layout, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport
from collector_core.model.selector import Selector
from collector_core.testing import FakeClock
from tests.core.history.conftest import MINUTE, NOON

pytestmark = pytest.mark.xdist_group("rack")  # which takes seconds to write
POWER = Gauge("rack_power_watts", "Power.", Unit.WATTS, ("server",), topic="power", of="server")
INLET = Gauge("rack_inlet_celsius", "Temperature.", Unit.CELSIUS, ("server",), topic="temperature", of="server")
LOAD = Gauge("rack_load_ratio", "Load.", Unit.RATIO, ("server",), topic="load", of="server")
METER = Counter("rack_energy_joules_total", "Energy.", Unit.JOULES, ("server",), topic="energy", of="server")
BOOKS = Counter(
    "energy_joules_total", "Energy.", Unit.JOULES, ("component", "device", "method"), topic="energy", of="host"
)
SERVERS = 4
TICK = 10_000  # milliseconds
GAP = 35_000
TICKS = 13 * HOUR // TICK
CLOCK_STEPS = {2000: 1800_000, 2400: -1800_000, 3600: -3600_000, 3900: 3600_000}  # by tick
RESTARTS = (1333, 4000)
METRICS = (POWER, METER, INLET, LOAD, BOOKS)


def _labels(metric, server):
    return ("cpu", server, "measured") if metric is BOOKS else (server,)


TEXTS = {
    (metric.name, each): metric.name + label_text(dict(zip(metric.labels, _labels(metric, f"s{each}"), strict=True)))
    for metric in METRICS
    for each in range(SERVERS)
}
LAYOUT = Layout({metric: [_labels(metric, f"s{each}") for each in range(SERVERS)] for metric in METRICS})


class Rack:
    """What is read of the servers by tick, and what of it has to be in the store."""

    def __init__(self, seed):
        self._chance = random.Random(seed)
        self._meters = [1000.0 * each for each in range(SERVERS)]
        self._books = [0.0] * SERVERS
        self.truth = defaultdict(list)  # time, value and rise of each reading of a series
        self._before = {}

    def restart(self):
        """The ledger counts from 0; the meters do not."""
        self._books = [0.0] * SERVERS
        self._before = {key: value for key, value in self._before.items() if not key.startswith("energy")}
        self._before |= {key: 0.0 for key in self.truth if key.startswith("energy")}

    def values(self):
        """What each metric says of each server."""
        chance, columns = self._chance, [[] for _ in METRICS]
        for each in range(SERVERS):
            watts = round(200 + 10 * each + chance.gauss(0, 5), 2)
            self._meters[each] = round(self._meters[each] + watts * 10, 3)
            self._books[each] = round(self._books[each] + watts * 10, 3)
            if chance.random() < 0.001:
                self._meters[each] = round(chance.random() * 100, 3)  # replaced: it begins anew
            inlet = float(round(25 + chance.gauss(0, 0.3)))
            load = round(min(1.0, max(0.0, chance.gauss(0.5, 0.1))), 4)
            for column, value in zip(columns, (watts, self._meters[each], inlet, load, self._books[each]), strict=True):
                column.append(value)
        return columns

    def note(self, text, time, value, *, is_counter):
        """A reading has to be in the store, unless there is one of this time or a later one already."""
        there = self.truth[text]
        if there and time <= there[-1][0]:
            return
        first = 0.0 if text.startswith("energy") else value
        before = self._before.get(text, first)
        self._before[text] = value
        rise = (value - before if value >= before else value) if is_counter else 0.0
        there.append((time, value, round(rise, 6)))


def write(folder, rack):
    """Half a day with gaps, restarts and a clock that is set; returns the service, still open, and the starts."""
    clock, starts, history = FakeClock(), [], None
    clock.wall_time = NOON / 1000
    options = HistoryOptions(path=folder, tiers={"raw": "30d", "1m": "30d", "15m": "30d", "1h": "730d"})
    silent = 0
    chance = random.Random(7)
    for tick in range(TICKS):
        clock.wall_time += CLOCK_STEPS.get(tick, 0) / 1000
        if tick == 0 or tick in RESTARTS:
            if history:
                history.write()
                history.store.close()
                rack.restart()
            history = HistoryService(options, clock, lambda _: None)
            history.record_event("start", "energy-collector", "started")
            starts.append(round(clock.time() * 1000))
        if chance.random() < 0.001:
            silent = chance.randint(1, 200)
        columns = rack.values()
        if silent:
            silent -= 1
        else:
            observe(history, clock, columns, rack)
        clock.advance(TICK / 1000)
        if tick % 60 == 59:
            history.write()
    history.write()
    return history, starts


def observe(history, clock, columns, rack):
    for metric, column in zip(METRICS, columns, strict=True):
        for each, value in enumerate(column):
            text = TEXTS[metric.name, each]
            rack.note(text, round(clock.time() * 1000), value, is_counter=isinstance(metric, Counter))
    snapshot = Snapshot(LAYOUT, array("d", [value for column in columns for value in column]))
    now = clock.time(), clock.monotonic()
    history.observe(RunReport("rack", "rack", Result.OK, 0.1, *now, {}, snapshot), GAP / 1000)


def expected(readings, step, starts, start, end):
    """Each step's covered time, mean, minimum, maximum and rise, reckoned reading by reading."""
    found = {}
    for time, value, rise in readings:
        if start <= time < end:
            each = found.setdefault(time // step * step, {"held": [], "values": [], "rises": []})
            each["values"].append(value)
            each["rises"].append(rise)
    for (time, value, _), (until, _, _) in pairwise(readings):
        if until - time <= GAP and not any(time < each <= until for each in starts):
            moment = max(time, start)
            while moment < min(until, end):
                border = min(until, end, moment // step * step + step)
                key = moment // step * step
                if key in found:
                    found[key]["held"].append((value, border - moment))
                moment = border
    return found


def mean(each):
    covered = sum(length for _, length in each["held"])
    return fsum(value * length for value, length in each["held"]) / covered if covered else each["values"][-1]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    rack = Rack(1)
    history, starts = write(tmp_path_factory.mktemp("rack") / "history", rack)
    yield history.store, rack.truth, starts
    history.store.close()


def ask(store, text, start, end, step=None, fn=Fn.MEAN):
    return [
        point
        for found in query.run(store, HistoryQuery(Selector.parse(text), start, end, step, fn))
        for point in zip(found.times, found.values, strict=True)
    ]


def test_every_reading_is_there_and_no_other(written):
    store, truth, _ = written
    assert [kept.series.text for _, kept in store.catalogue] == sorted(truth)
    for number, kept in store.catalogue:
        assert [tuple(point) for point in store.read(number, 0, EVER)] == truth[kept.series.text]


@pytest.mark.parametrize("step", [MINUTE, HOUR, 7 * MINUTE])
def test_every_step_says_what_was_simulated(written, step):
    store, truth, starts = written
    start, end = NOON + 5_345_678, NOON + 12 * HOUR + 4321
    for text in [text for text in truth if 's3"' in text]:
        steps = expected(truth[text], step, starts, start, end)
        for fn, value in {
            Fn.MEAN: mean,
            Fn.MIN: lambda each: min(each["values"]),
            Fn.MAX: lambda each: max(each["values"]),
        }.items():
            found = ask(store, text, start, end, step, fn)
            assert [time for time, _ in found] == sorted(steps)
            assert [each for _, each in found] == pytest.approx([value(steps[time]) for time, _ in found], abs=1e-4)
        if "joules" in text:
            found = dict(ask(store, text, start, end, step, Fn.INCREASE))
            assert found == pytest.approx({time: fsum(each["rises"]) for time, each in steps.items()}, abs=1e-6)


def test_energy_of_any_period_is_exact(written):
    store, truth, _ = written
    chance = random.Random(3)
    for _ in range(5):
        start, end = sorted(NOON + chance.randrange(TICKS * TICK) for _ in range(2))
        found = energy_of(store, start, end, "device")
        joules = {
            text.partition('device="')[2].partition('"')[0]: fsum(
                rise for time, _, rise in readings if start <= time < end
            )
            for text, readings in truth.items()
            if text.startswith("energy")
        }
        assert {row["device"]: row["joules"] for row in found["rows"]} == pytest.approx(joules, abs=1e-5)
        assert found["total"]["joules"] == pytest.approx(fsum(joules.values()), abs=1e-4)


def test_late_readings_come_to_their_place_and_change_no_sum(written):
    store, truth, _ = written
    text = next(each for each in truth if each.startswith("rack_energy"))
    late = [(time + 3_000, value) for time, value, _ in truth[text][100:200]]
    assert importing.keep_readings(store, text, late) == 100
    assert importing.keep_readings(store, text, late) == 0
    start, end = truth[text][0][0], truth[text][-1][0] + 1
    rises = ask(store, text, start, end, HOUR, Fn.INCREASE)
    assert fsum(value for _, value in rises) == pytest.approx(fsum(rise for _, _, rise in truth[text]), abs=1e-5)
    assert len(ask(store, text, start, end)) == len(truth[text]) + 100

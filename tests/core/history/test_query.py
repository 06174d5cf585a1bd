"""Answers about any period, from readings and tiers alike."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.history import query
from collector_core.history.blocks import DAY
from collector_core.history.interface import EVER, Event, HistorySample
from collector_core.history.periods import pieces
from collector_core.history.points import Point, Points, of
from collector_core.history.query import Fn, HistoryQuery, Position
from collector_core.history.tiers import HOUR, summarize
from collector_core.model.selector import Selector
from tests.core.history.conftest import MINUTE, NOON, STEPS, kept

TIMES = (444, 1462, 2442, 3450, 4447, 5441)  # of which the durations do not add up as floats
POWER = kept(plug="a")
ENERGY = kept("lamp_energy_joules_total", "counter", plug="a")


def ask(store, start=0, end=EVER, step=None, fn=Fn.MEAN, selector=None, after=None):
    asked = HistoryQuery(Selector.parse(selector) if selector else None, start, end, step, fn)
    return [point for found in query.run(store, asked, after) for point in zip(found.times, found.values, strict=True)]


def write(store, times_and_values, series=POWER):
    samples, before = [], None
    for time, value in times_and_values:
        rise = 0.0 if before is None else value - before if value >= before else value
        samples.append(HistorySample(series, NOON + time, float(value), rise if series.is_counter else 0.0))
        before = value
    store.append(samples)


def test_without_a_step_readings_come_as_they_were_collected(store):
    write(store, [(0, 1), (10_123, 2.5), (20_000, 3)])
    assert ask(store) == [(NOON, 1), (NOON + 10_123, 2.5), (NOON + 20_000, 3)]
    assert ask(store, NOON, NOON + 20_000) == [(NOON, 1), (NOON + 10_123, 2.5)]


def test_a_mean_is_weighted_by_time(store):
    write(store, [(0, 100), (30_000, 200), (40_000, 200), (50_000, 200), (60_000, 0)])
    assert ask(store, step=MINUTE)[0] == (NOON, 150)


def test_the_mean_of_what_never_changes_is_just_that(store):
    write(store, [(time, 3) for time in TIMES])
    assert ask(store, step=5000) == [(NOON, 3.0), (NOON + 5000, 3.0)]


def test_a_mean_leaves_out_what_is_not_covered(store):
    write(store, [(0, 100), (10_000, 100), (59_000, 500), (60_000, 0)])
    assert ask(store, step=MINUTE)[0] == (NOON, (100 * 10 + 500) / 11)


def test_a_lonely_reading_is_its_mean(store):
    write(store, [(0, 7)])
    assert ask(store, step=MINUTE) == [(NOON, 7)]


def test_steps_without_readings_are_absent(store):
    write(store, [(0, 1), (30_000, 1), (180_000, 4)])
    assert [time for time, _ in ask(store, step=MINUTE)] == [NOON, NOON + 3 * MINUTE]


def test_a_rise_over_a_gap_counts_once_where_the_gap_ends(store):
    write(store, [(0, 10), (10_000, 20), (200_000, 100)], ENERGY)
    assert ask(store, step=MINUTE, fn=Fn.INCREASE) == [(NOON, 10), (NOON + 3 * MINUTE, 80)]


def test_a_fall_is_a_reset(store):
    write(store, [(0, 10), (10_000, 4), (20_000, 5)], ENERGY)
    assert ask(store, step=MINUTE, fn=Fn.INCREASE) == [(NOON, 5)]
    assert ask(store, step=MINUTE, fn=Fn.RATE) == [(NOON, 5 / 60)]


def test_a_gauge_has_no_increase(store):
    write(store, [(0, 1), (10_000, 2)])
    assert ask(store, step=MINUTE, fn=Fn.INCREASE) == []


@pytest.fixture
def days(store):
    """Three days of readings with gaps, sealed but for the end."""
    chance = random.Random(3)
    time, joules, power, energy = 0, 0.0, [], []
    while time < 3 * DAY:
        time += chance.choice([5_000, 10_000, 10_000, 17_000, 10_000, 60_000]) * 3
        joules = round(joules + chance.random() * 100, 3) if chance.random() > 0.01 else 0.0
        power.append((time, round(chance.random() * 50, 2)))
        energy.append((time, joules))
    write(store, power)
    write(store, energy, ENERGY)
    store.seal(NOON + 2 * DAY + 12 * HOUR)
    store.shrink(NOON + 3 * DAY)
    return store


@pytest.mark.parametrize("series", [POWER, ENERGY])
@pytest.mark.parametrize("step", [MINUTE, 5 * MINUTE, 45 * MINUTE, HOUR, DAY, 7_000, 6 * HOUR])
def test_tiers_say_what_the_readings_say(days, series, step):
    start, end = NOON + 12_345, NOON + 3 * DAY - 54_321
    number, _ = days.catalogue.find(series.series.text)
    readings = days.around(number, start, end)
    expected = summarize(readings, step, start, end, gap=series.gap)
    for fn, value in {
        Fn.MEAN: lambda each: each.mean,
        Fn.MIN: lambda each: each.minimum,
        Fn.MAX: lambda each: each.maximum,
        Fn.LAST: lambda each: each.last,
        Fn.INCREASE: lambda each: each.rise,
    }.items():
        if fn is Fn.INCREASE and series is POWER:
            continue
        found = ask(days, start, end, step, fn, series.series.text)
        assert [time for time, _ in found] == sorted(time for time, each in expected.items() if each.count)
        assert [each for _, each in found] == pytest.approx([value(expected[time]) for time, _ in found], abs=1e-5)


def test_long_steps_come_from_tiers(days):
    tiers = [piece.tier for piece in pieces(days, NOON, NOON + 3 * DAY, HOUR)]
    assert tiers == [HOUR, 0]


def test_what_is_left_of_deleted_readings_answers_as_well_as_it_can(days):
    before = ask(days, NOON, NOON + DAY, HOUR, Fn.INCREASE)
    days.delete_old(NOON + 10 * DAY, {0: DAY, **dict.fromkeys(STEPS, 1000 * DAY)}, 1000 * DAY)
    assert ask(days, NOON, NOON + DAY, HOUR, Fn.INCREASE) == before
    found = ask(days, NOON, NOON + DAY, None, Fn.INCREASE)
    assert sum(value for _, value in found) == pytest.approx(sum(value for _, value in before))
    assert all(time % MINUTE == 0 for time, _ in found)


@given(st.lists(st.tuples(st.integers(1, 40_000), st.floats(0, 1000)), min_size=1, max_size=60), st.integers(1, 50_000))
def test_a_summary_of_parts_is_that_of_the_whole(deltas, step):
    time, points = 0, []
    for delta, value in deltas:
        time += delta
        points.append(Point(time, value, 1.0))
    readings = of(points, is_counter=True)
    found = summarize(readings, step, 0, time + 1, gap=20_000)
    assert sum(each.count for each in found.values()) == len(points)
    assert sum(each.rise for each in found.values()) == len(points)
    covered = sum(delta for delta, _ in deltas[1:] if delta <= 20_000)
    assert sum(each.covered for each in found.values()) == covered
    assert all(each.covered <= step for each in found.values())


def test_an_answer_goes_on_behind_a_place(store):
    write(store, [(0, 1), (10_000, 2)])
    write(store, [(0, 1), (10_000, 2)], ENERGY)
    whole = ask(store)
    assert ask(store, after=Position(ENERGY.series.text, NOON)) == whole[1:]
    assert ask(store, after=Position(ENERGY.series.text, NOON + 10_000)) == whole[2:]
    assert ask(store, after=Position(POWER.series.text, NOON + 10_000)) == []


def test_another_reader_sees_what_is_written_meanwhile(store, stores):
    write(store, [(0, 1)])
    assert ask(stores.beside()) == [(NOON, 1)]
    write(store, [(10_000, 2)], kept(plug="new"))
    assert len(ask(stores.beside())) == 2
    store.seal(NOON + DAY)
    assert len(ask(stores.beside())) == 2
    assert ask(stores.beside(), step=HOUR)


def test_a_shared_reader_sees_what_is_written_meanwhile(embedded):
    reader = embedded.reader()
    write(embedded, [(0, 1)])
    with reader.reading() as beside:
        assert ask(beside) == [(NOON, 1)]
    write(embedded, [(10_000, 2)], kept(plug="new"))
    with reader.reading() as beside:
        assert len(ask(beside)) == 2
    embedded.seal(NOON + DAY)
    with reader.reading() as beside:
        assert len(ask(beside)) == 2
        assert ask(beside, step=HOUR)
    reader.close()


def test_no_reading_holds_across_a_start(store):
    write(store, [(0, 100), (30_000, 200)])
    store.append([], [Event(NOON + 5_000, "start", "", "")])
    number, _ = store.catalogue.find(POWER.series.text)
    found = summarize(store.around(number, 0, EVER), MINUTE, 0, EVER, gap=POWER.gap, breaks=store.starts())
    assert found[NOON].covered == 0


def test_nothing_is_known_of_nothing():
    assert summarize(Points(), MINUTE, 0, EVER, gap=1) == {}

"""Readings refuse at the plugin's own line what must not be published."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core import Counter, Gauge, Info, ReadingError, Readings, Unit, _speed
from collector_core.model.families import Family, Sample
from collector_core.model.readings import NOTHING

POWER = Gauge("shelly_power_watts", "Power.", Unit.WATTS, ("plug",))
ENERGY = Counter("shelly_energy_joules_total", "Energy.", Unit.JOULES, ("plug", "phase"))
DEVICE = Info("shelly_device_info", "Device.", ("plug", "model"))
OTHER = Gauge("shelly_on", "On.")
METRICS = (POWER, ENERGY, DEVICE)


@pytest.fixture(scope="module", params=["python", "compiled"], autouse=True)
def way(request):
    """Both ways of taking a table."""
    if request.param == "compiled" and _speed.problem:
        pytest.skip(f"the compiled part does not run: {_speed.problem}")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "python":
            patch.setattr(_speed, "put_rows", None)
        yield


def readings(previous=None, max_series=100):
    return Readings(METRICS, max_series=max_series, previous=previous or NOTHING)


def as_dict(snapshot):
    return {metric.name: dict(snapshot.series(metric)) for metric in snapshot.layout.metrics}


def test_readings_become_a_snapshot():
    out = readings()
    out.add(POWER, 3, plug="a")
    out.add(ENERGY, 1.5, phase="1", plug="a")
    out.add(DEVICE, plug="a", model="S")
    snapshot = out.snapshot()
    assert as_dict(snapshot) == {
        "shelly_power_watts": {("a",): 3.0},
        "shelly_energy_joules_total": {("a", "1"): 1.5},
        "shelly_device_info": {("a", "S"): 1.0},
    }
    assert len(snapshot) == 3


def test_control_characters_in_labels_are_spelled_out():
    before = NOTHING
    for watts in (1.0, 2.0):  # the second time as a series that is known
        out = readings(before)
        out.add(POWER, watts, plug="red \x1b[31m\x9b")
        out.add(POWER, 3, plug="two\nlines\tand a café")
        out.add_families(
            [Family("fan", "Speed\x1b[2J.", "gauge", "", (Sample("fan", {"of": "\x07"}, 1.0, None, None),))]
        )
        before = out.snapshot()
        series = {(r"red \x1b[31m\x9b",): watts, ("two\nlines\tand a café",): 3.0}
        assert as_dict(before) == {"shelly_power_watts": series}
        (family,) = before.families
        assert (family.documentation, dict(family.samples[0].labels)) == (r"Speed\x1b[2J.", {"of": r"\x07"})


def test_a_part_whose_name_has_control_characters_is_named_without_them():
    out = readings()
    with out.part(plug="\x1b]0;owned\x07"):
        raise ValueError("bad \x1b[2J news")
    (failure,) = out.part_failures
    assert failure.name == r"plug=\x1b]0;owned\x07"
    assert failure.text == r"ValueError: bad \x1b[2J news"


@pytest.mark.parametrize(
    ("metric", "value", "labels", "message"),
    [
        (OTHER, 1, {}, "not declared"),
        (POWER, 1, {}, "labels are"),
        (POWER, 1, {"plug": "a", "room": "b"}, "labels are"),
        (POWER, 1, {"socket": "a"}, "labels are"),
        (POWER, math.nan, {"plug": "a"}, "not a number to publish"),
        (POWER, math.inf, {"plug": "a"}, "not a number to publish"),
        (POWER, None, {"plug": "a"}, "not a number to publish"),
        (ENERGY, -1, {"plug": "a", "phase": "1"}, "cannot be negative"),
        (POWER, 1, {"plug": 7}, "must be text"),
        (POWER, 1, {"plug": "x" * 2000}, "2000 characters"),
        (POWER, 1, {"plug": "\udcff"}, "not valid Unicode"),
    ],
)
def test_what_must_not_be_published_is_refused(metric, value, labels, message):
    with pytest.raises(ReadingError, match=message):
        readings().add(metric, value, **labels)


@pytest.mark.parametrize("known", [False, True])
def test_a_series_added_twice_is_refused(known):
    first = readings()
    first.add(POWER, 1, plug="a")
    out = readings(first.snapshot() if known else None)
    out.add(POWER, 1, plug="a")
    with pytest.raises(ReadingError, match="plug='a'.*twice"):
        out.add(POWER, 2, plug="a")


def test_runs_with_the_same_series_share_a_layout_and_others_do_not():
    first = readings()
    first.add(POWER, 1, plug="a")
    first.add(POWER, 2, plug="b")
    one = first.snapshot()
    second = readings(one)
    second.add(POWER, 5, plug="b")
    second.add(POWER, 4, plug="a")
    two = second.snapshot()
    assert two.layout is one.layout
    assert dict(two.series(POWER)) == {("a",): 4.0, ("b",): 5.0}
    third = readings(two)
    third.add(POWER, 9, plug="b")
    assert as_dict(third.snapshot()) == {"shelly_power_watts": {("b",): 9.0}}


def test_a_metric_whose_series_stay_where_they_were_shares_their_places_with_the_layout_before():
    first = readings()
    first.add(POWER, 1, plug="a")
    first.add(ENERGY, 2, plug="a", phase="1")
    one = first.snapshot()
    second = readings(one)
    second.add(POWER, 3, plug="a")
    second.add(ENERGY, 4, plug="a", phase="1")
    second.add(ENERGY, 5, plug="a", phase="2")
    two = second.snapshot()
    assert two.layout.places[POWER] is one.layout.places[POWER]
    assert as_dict(two) == {
        "shelly_power_watts": {("a",): 3.0},
        "shelly_energy_joules_total": {("a", "1"): 4.0, ("a", "2"): 5.0},
    }
    third = readings(two)
    third.add(ENERGY, 6, plug="a", phase="1")
    third.add(ENERGY, 7, plug="a", phase="2")
    three = third.snapshot()
    assert three.layout.places[ENERGY] == {("a", "1"): 0, ("a", "2"): 1}
    assert as_dict(three) == {"shelly_energy_joules_total": {("a", "1"): 6.0, ("a", "2"): 7.0}}


def test_a_failing_part_takes_only_its_own_readings_with_it():
    first = readings()
    first.add(POWER, 1, plug="b")
    out = readings(first.snapshot())
    with out.part(plug="a"):
        out.add(POWER, 1, plug="a")
    with out.part(plug="b"):
        out.add(POWER, 2, plug="b")
        out.add(POWER, 2, plug="c")
        raise ConnectionResetError("gone")
    out.add(POWER, 4, plug="d")
    assert as_dict(out.snapshot()) == {"shelly_power_watts": {("a",): 1.0, ("d",): 4.0}}
    assert [(failure.name, str(failure.error)) for failure in out.part_failures] == [("plug=b", "gone")]


def test_parts_nest_and_an_outer_failure_takes_the_inner_readings():
    out = readings()
    with out.part(plug="outer"):
        with out.part(plug="inner"):
            out.add(POWER, 1, plug="a")
        with out.part(plug="bad"):
            raise ValueError
        raise OSError
    out.add(POWER, 1, plug="a")
    assert as_dict(out.snapshot()) == {"shelly_power_watts": {("a",): 1.0}}
    assert [failure.name for failure in out.part_failures] == ["plug=bad", "plug=outer"]


@given(runs=st.lists(st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e9, 1e9), max_size=6), max_size=6))
def test_any_sequence_of_runs_shows_exactly_what_each_run_added(runs):
    previous = None
    for run in runs:
        out = readings(previous)
        for plug, value in run.items():
            out.add(POWER, value, plug=plug)
        previous = out.snapshot()
        assert as_dict(previous).get("shelly_power_watts", {}) == {(plug,): value for plug, value in run.items()}


POWER_AND_ENERGY = (
    Gauge("table_power_watts", "Power.", Unit.WATTS, ("plug", "room")),
    Counter("table_energy_joules_total", "Energy.", Unit.JOULES, ("plug", "room")),
)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy")),
    st.tuples(*[st.none() | st.sampled_from([0.0, 1.5, 2.0, 7, True, -1.0, -0.0, math.nan, math.inf])] * 2),
    max_size=4,
)


def outcome(out, add):
    try:
        add(out)
        snapshot = out.snapshot()
        return {metric.name: dict(snapshot.series(metric)) for metric in POWER_AND_ENERGY}
    except ReadingError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), st.booleans())
def test_a_table_is_its_rows(runs, is_swapped):
    """Whatever the runs before were, a table gives what its rows give one by one: series, or an error."""
    names = ("room", "plug") if is_swapped else ("plug", "room")
    last = [NOTHING, NOTHING]
    for rows in runs:
        table, single = (Readings(POWER_AND_ENERGY, max_series=100, previous=previous) for previous in last)

        def one_by_one(out, rows=rows):
            for metric, column in zip(POWER_AND_ENERGY, zip(*rows.values(), strict=True), strict=False):
                for key, value in zip(rows, column, strict=True):
                    out.add_row((metric,), (value,), **dict(zip(names, key, strict=True)))

        found = outcome(table, lambda out, rows=rows: out.add_table(POWER_AND_ENERGY, names, rows))
        assert found == outcome(single, one_by_one)
        if isinstance(found, str):
            return
        last = [table.snapshot(), single.snapshot()]


@pytest.mark.parametrize(
    "rows",
    [
        {("b", "x"): (3.0, 4.0), ("a", "x"): (1.0, 2.0)},
        {("b", "x"): (3.0, 4.0), ("c", "x"): (1.0, 2.0)},
        {("a", "x"): (-1.0, 2.0), ("b", "x"): (None, 4.0)},
        {("a", "x"): (1.0, -2.0), ("b", "x"): (3.0, 4.0)},
        {("a", "x"): (1.0, math.nan), ("b", "x"): (3.0, 4.0)},
    ],
    ids=["other order", "other things", "negative gauge", "negative counter", "no number"],
)
def test_a_table_after_another_is_looked_at_as_closely(rows):
    def run(previous, table):
        out = Readings(POWER_AND_ENERGY, max_series=9, previous=previous)
        return out, outcome(out, lambda out: out.add_table(POWER_AND_ENERGY, ("plug", "room"), table))

    first, _ = run(NOTHING, {("a", "x"): (1.0, 2.0), ("b", "x"): (3.0, 4.0)})
    _, alone = run(NOTHING, rows)
    _, after = run(first.snapshot(), rows)
    assert after == alone
    assert isinstance(after, str) is any(row[1] is not None and not row[1] >= 0 for row in rows.values())


def test_a_table_adds_nothing_twice():
    rows = {("a", "x"): (1.0, 2.0)}
    first = Readings(POWER_AND_ENERGY, max_series=9)
    first.add_table(POWER_AND_ENERGY, ("plug", "room"), rows)
    again = Readings(POWER_AND_ENERGY, max_series=9, previous=first.snapshot())
    again.add_table(POWER_AND_ENERGY, ("plug", "room"), rows)
    with pytest.raises(ReadingError, match="added twice"):
        again.add_table(POWER_AND_ENERGY, ("plug", "room"), rows)


def test_a_row_of_a_table_has_a_value_for_each_metric():
    out = Readings(POWER_AND_ENERGY, max_series=9)
    with pytest.raises(ValueError, match="argument"):
        out.add_table(POWER_AND_ENERGY, ("plug", "room"), {("a", "x"): (1.0,)})


@pytest.mark.parametrize("number", [10**400, -(10**400), "1", Decimal(3)], ids=str)
def test_a_value_of_another_type_is_treated_the_same_in_a_table_that_is_known(number):
    def run(previous):
        out = Readings(POWER_AND_ENERGY, max_series=9, previous=previous)
        try:
            return outcome(
                out, lambda out: out.add_table(POWER_AND_ENERGY, ("plug", "room"), {("a", "x"): (number, 2)})
            )
        except (TypeError, OverflowError) as error:
            return type(error)

    first = Readings(POWER_AND_ENERGY, max_series=9)
    first.add_table(POWER_AND_ENERGY, ("plug", "room"), {("a", "x"): (1.0, 2.0)})
    assert run(first.snapshot()) == run(NOTHING)


def test_a_table_may_be_empty():
    out = Readings(POWER_AND_ENERGY, max_series=9)
    out.add_table(POWER_AND_ENERGY, ("plug", "room"), {})
    assert len(out.snapshot()) == 0


row_values = st.sampled_from([0.0, 1.5, 7, 1e308, -1.0, None, math.nan, math.inf])
rows_of_values = st.lists(st.tuples(st.sampled_from("ab"), row_values, row_values), max_size=4)


@settings(max_examples=300)
@given(
    known=st.sets(st.sampled_from("ab")), rows=rows_of_values, max_series=st.integers(1, 5), is_swapped=st.booleans()
)
def test_a_row_is_its_values_one_by_one(known, rows, max_series, is_swapped):
    """Whatever the run before was, and however little room there is: the same series, or the same error."""

    def by_rows(out, rows):
        for plug, *values in rows:
            labels = [("plug", plug), ("room", "x")]
            out.add_row(POWER_AND_ENERGY, values, **dict(labels[::-1] if is_swapped else labels))

    def one_by_one(out, rows):
        for plug, *values in rows:
            for metric, value in zip(POWER_AND_ENERGY, values, strict=True):
                if value is not None:
                    out.add(metric, value, plug=plug, room="x")

    first = Readings(POWER_AND_ENERGY, max_series=9)
    one_by_one(first, [(plug, 1.0, 2.0) for plug in known])
    previous = first.snapshot()
    ways = []
    for add in (by_rows, one_by_one, by_rows):
        out = Readings(POWER_AND_ENERGY, max_series=max_series, previous=previous)
        ways.append((outcome(out, lambda out, add=add: add(out, rows)), out.left_out))
    assert ways[0] == ways[1] == ways[2]


def test_a_column_is_its_series_one_by_one():
    first = Readings(POWER_AND_ENERGY, max_series=9)
    first.add_column(POWER_AND_ENERGY[0], [("a", "x"), ("b", "x")], [1.0, 2.0])
    before = first.snapshot()
    again = Readings(POWER_AND_ENERGY, max_series=9, previous=before)
    again.add_column(POWER_AND_ENERGY[0], [("a", "x"), ("b", "x")], [3.0, 4.0])
    assert again.snapshot().layout is before.layout
    assert list(again.snapshot().series(POWER_AND_ENERGY[0])) == [(("a", "x"), 3.0), (("b", "x"), 4.0)]
    with pytest.raises(ReadingError, match="added twice"):
        again.add_column(POWER_AND_ENERGY[0], [("a", "x")], [5.0])


@pytest.mark.parametrize(
    ("keys", "values"),
    [([("a", "x")], [1.0, 2.0]), ([("a", "x"), ("b", "x")], [1.0]), ([("a",)], [1.0])],
    ids=["values", "keys", "labels"],
)
def test_a_column_of_another_length_is_refused(keys, values):
    first = Readings(POWER_AND_ENERGY, max_series=9)
    first.add_column(POWER_AND_ENERGY[0], [("a", "x")], [1.0])
    again = Readings(POWER_AND_ENERGY, max_series=9, previous=first.snapshot())
    with pytest.raises(ValueError, match="argument"):
        again.add_column(POWER_AND_ENERGY[0], keys, values)

"""Of more series than `max_series` those that fit are published, in whole parts; the rest is named and counted."""

from hypothesis import given
from hypothesis import strategies as st

from collector_core import Counter, Gauge, Readings, Unit
from collector_core.model.readings import NOTHING

POWER = Gauge("shelly_power_watts", "Power.", Unit.WATTS, ("plug",))
HEAT = Counter("shelly_heat_joules_total", "Heat.", Unit.JOULES, ("plug",))


def readings(previous=None, max_series=100):
    return Readings((POWER, HEAT), max_series=max_series, previous=previous or NOTHING)


def as_dict(snapshot):
    return {metric.name: dict(snapshot.series(metric)) for metric in snapshot.layout.metrics}


def left_out(out):
    (failure,) = out.failures
    return str(failure.error)


def test_of_too_many_series_the_first_ones_are_kept_and_the_label_is_named():
    out = readings(max_series=10)
    for number in range(20_000):
        out.add(POWER, 1, plug=str(number))
    assert list(as_dict(out.snapshot())["shelly_power_watts"]) == [(str(number),) for number in range(10)]
    assert out.left_out == 19_990
    assert len(out._new[POWER]) == 10
    assert "max_series = 10: 19990 series; most of them in shelly_power_watts (labels: plug)" in left_out(out)


def test_a_leak_that_grows_run_by_run_stays_within_the_limit():
    snapshot = None
    for run in range(100):
        out = readings(snapshot, max_series=10)
        for number in range(run):
            out.add(POWER, 1, plug=str(number))
        snapshot = out.snapshot()
        assert (len(snapshot), out.left_out) == (min(run, 10), max(0, run - 10))


def test_a_run_whose_labels_all_change_fits_where_the_number_does():
    snapshot = None
    for run in range(3):
        out = readings(snapshot, max_series=10)
        for number in range(8):
            out.add(POWER, 1, plug=f"{run}-{number}")
        snapshot = out.snapshot()
        assert (len(snapshot), out.failures) == (8, ())


def three_plugs(snapshot, *, order="abc", max_series=5):
    """Each plug is a part of two series."""
    out = readings(snapshot, max_series=max_series)
    for plug in order:
        with out.part(plug=plug):
            out.add(POWER, 1, plug=plug)
            out.add(HEAT, 1, plug=plug)
    return out


def test_a_part_fits_as_a_whole_or_is_left_out_as_a_whole_and_is_named():
    snapshot = None
    for _ in range(3):
        out = three_plugs(snapshot)
        snapshot = out.snapshot()
        assert set(as_dict(snapshot)["shelly_power_watts"]) == set(as_dict(snapshot)["shelly_heat_joules_total"])
        assert set(as_dict(snapshot)["shelly_power_watts"]) == {("a",), ("b",)}
        assert out.left_out == 2
        assert [failure.name for failure in out.failures] == ["limit=max_series"]
        assert "max_series = 5: plug=c (2 series)" in left_out(out)


def test_a_part_that_does_not_fit_leaves_its_place_to_a_smaller_one():
    out = readings(max_series=2)
    with out.part(plug="large"):
        for number in range(3):
            out.add(POWER, 1, plug=str(number))
    with out.part(plug="small"):
        out.add(POWER, 1, plug="small")
    assert as_dict(out.snapshot()) == {"shelly_power_watts": {("small",): 1.0}}


def test_of_many_parts_that_do_not_fit_a_few_are_named():
    out = three_plugs(None, order="abcdefghij", max_series=4)
    assert "plug=c, plug=d, plug=e and 5 more (16 series)" in left_out(out)


def test_an_inner_part_that_does_not_fit_leaves_the_outer_one():
    out = readings(max_series=2)
    with out.part(plug="outer"):
        out.add(POWER, 1, plug="a")
        with out.part(plug="inner"):
            out.add(POWER, 1, plug="b")
            out.add(POWER, 1, plug="c")
    assert as_dict(out.snapshot()) == {"shelly_power_watts": {("a",): 1.0}}


def test_a_table_that_does_not_fit_as_a_whole_is_kept_as_far_as_it_does():
    snapshot = None
    for _ in range(2):
        out = readings(snapshot, max_series=3)
        out.add_table((POWER, HEAT), ("plug",), {(plug,): (1.0, 2.0) for plug in "ab"})
        snapshot = out.snapshot()
        assert (len(snapshot), out.left_out) == (3, 1)


@given(parts=st.lists(st.integers(0, 6), max_size=8), max_series=st.integers(1, 20), broken=st.sets(st.integers(0, 7)))
def test_whatever_the_parts_are_what_is_kept_is_whole_and_within_the_limit(parts, max_series, broken):
    snapshot = None
    for _ in range(2):
        out = readings(snapshot, max_series=max_series)
        for part, size in enumerate(parts):
            with out.part(part=str(part)):
                for number in range(size):
                    out.add(POWER, 1, plug=f"{part}-{number}")
                if part in broken:
                    raise OSError
        snapshot = out.snapshot()
        keys = [plug for (plug,) in as_dict(snapshot).get("shelly_power_watts", {})]
        found = [sum(key.startswith(f"{part}-") for key in keys) for part in range(len(parts))]
        whole = [0 if part in broken else size for part, size in enumerate(parts)]
        assert all(shown in (0, size) for shown, size in zip(found, whole, strict=True))
        assert len(snapshot) <= max_series
        assert len(snapshot) == sum(whole) or out.left_out > 0

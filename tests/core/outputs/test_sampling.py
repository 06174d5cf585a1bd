"""An output gets the series that were chosen, at most once per interval, the newest."""

from dataclasses import replace

from collector_core import Published, Readings, Selector
from collector_core.model.families import Family, Sample
from collector_core.outputs.sampling import Heard, SampleSelection, SamplingWindow, Shape
from tests.core.outputs.conftest import HEAT, POWER, heard


def window(interval=60.0, selectors=('{__name__=~".+"}',), **changes):
    return SamplingWindow(SampleSelection([Selector.parse(text) for text in selectors]), interval, **changes)


def samples(blocks):
    return [sample for block in blocks for sample in block.samples()]


def values(blocks):
    return [(each.series.labels["plug"], each.value, each.time) for each in samples(blocks)]


def take_all(made, *runs):
    return [blocks for run in runs for blocks in made.add(run)]


def test_of_an_interval_only_the_newest_sample_of_each_series_comes():
    made = window()
    assert take_all(made, heard(120.0, a=1, b=10), heard(130.0, a=2), heard(179.0, b=20)) == [[]]
    assert made.take_finished(179.9) == []
    assert values(made.take_finished(180.0)) == [("a", 2, 130.0), ("b", 20, 179.0)]
    assert made.take_finished(250.0) == []


def test_a_run_of_the_next_interval_ends_the_one_before():
    made = window()
    ended = take_all(made, heard(120.0, a=1), heard(185.0, a=2))
    assert values(ended[-1]) == [("a", 1, 120.0)]
    assert values(made.take()) == [("a", 2, 185.0)]


def test_a_run_that_comes_late_adds_only_series_that_its_interval_did_not_have():
    made = window()
    take_all(made, heard(120.0, a=1))
    assert values(made.take_finished(180.0)) == [("a", 1, 120.0)]
    assert [values(each) for each in take_all(made, heard(179.9, a=3, b=4), heard(179.95, b=5))] == [
        [("b", 4, 179.9)],
        [],
    ]
    take_all(made, heard(180.1, a=2))
    assert values(made.take()) == [("a", 2, 180.1)]


def test_a_run_that_was_overtaken_at_the_end_of_an_interval_replaces_nothing_newer():
    made = window()
    ended = take_all(made, heard(120.0, a=1), heard(180.1, a=2), heard(179.9, a=3), heard(179.9, b=4))
    assert [values(each) for each in ended] == [[], [("a", 1, 120.0)], [], [("b", 4, 179.9)]]
    assert values(made.take()) == [("a", 2, 180.1)]


def test_without_an_interval_the_samples_of_every_run_come_at_once():
    made = window(0.0)
    assert list(map(values, take_all(made, heard(1.0, a=1), heard(1.5, a=2)))) == [[("a", 1, 1.0)], [("a", 2, 1.5)]]


def test_a_clock_that_is_set_back_loses_nothing():
    made = window()
    ended = take_all(made, heard(7200.0, a=1), heard(3600.0, a=2))
    assert values(ended[-1]) == [("a", 1, 7200.0)]
    assert values(made.take_finished(3700.0)) == [("a", 2, 3600.0)]


def test_an_interval_that_was_handed_out_before_a_restart_comes_no_more():
    made = window(closed=2)
    assert take_all(made, heard(120.0, a=1), heard(179.0, a=2)) == [[], []]
    take_all(made, heard(180.0, a=3))
    assert values(made.take()) == [("a", 3, 180.0)]


def test_the_same_series_of_two_collectors_are_two():
    made = window()
    take_all(made, heard(120.0, a=1), heard(121.0, source="other", a=2))
    assert sorted(sample.series.source for sample in samples(made.take())) == ["other", "probe"]


def test_only_series_that_a_selector_means_come_and_each_once():
    made = window(0.0, selectors=['probe_heat_*{plug="a"}', "probe_heat_celsius", "unknown"])
    (blocks,) = made.add(heard(1.0, metric=HEAT, a=1, b=2))
    assert values(blocks) == [("a", 1, 1.0), ("b", 2, 1.0)]
    assert [list(made.add(heard(2.0, a=1)))] == [[[]]]


def renamed(*runs):
    selection = SampleSelection([Selector.parse('{__name__=~".+"}')], Shape(rename={HEAT.name: POWER.name}))
    return [[(each.series.text, each.value) for each in samples(selection.blocks(run))] for run in runs]


def heat_and_power(time, source="probe", power=(), heat=()):
    """A run with these plugs' power and heat."""
    out = Readings((POWER, HEAT), max_series=100)
    for plug, value in power:
        out.add(POWER, value, plug=plug)
    for plug, value in heat:
        out.add(HEAT, value, plug=plug)
    return Heard(time, (Published(source, {}, out.snapshot()),))


def test_of_series_that_a_new_name_makes_one_only_the_first_comes_and_it_is_said_once(caplog):
    run = heat_and_power(1.0, power=[("a", 1), ("b", 2)], heat=[("a", 50), ("c", 60)])
    other = heat_and_power(1.5, source="other", power=[("a", 7), ("d", 8)])
    first, again, of_other = renamed(run, replace(run, time=2.0), other)
    assert first == again == [(text(plug), value) for plug, value in (("a", 1), ("b", 2), ("c", 60))]
    assert of_other == [(text("d"), 8)]
    (line,) = caplog.messages
    assert line.startswith(f'{HEAT.name}{{plug="a"}} of probe is left out')
    assert f"as {text('a')} of probe is already" in line


def test_when_the_first_of_a_new_name_has_gone_the_next_one_comes():
    first = heat_and_power(1.0, power=[("a", 1)], heat=[("a", 50)])
    assert renamed(first, heat_and_power(2.0, heat=[("a", 60)]), heat_and_power(3.0, power=[("a", 3)])) == [
        [(text("a"), each)] for each in (1.0, 60.0, 3.0)
    ]


def test_a_new_name_whose_owner_has_gone_is_free_for_another_source_that_stays_the_same():
    others = heat_and_power(1.5, source="other", heat=[("a", 50)])
    first = heat_and_power(1.0, power=[("a", 1), ("b", 2)])
    without = heat_and_power(2.0, power=[("b", 2)])
    assert renamed(first, others, without, replace(others, time=2.5), replace(first, time=3.0)) == [
        [(text("a"), 1), (text("b"), 2)],
        [],
        [(text("b"), 2)],
        [(text("a"), 50)],
        [(text("b"), 2)],
    ]


def test_series_of_foreign_code_share_a_new_name_in_the_same_way():
    def family(name):
        return Family(name, "Help.", "gauge", "", (Sample(name, {"plug": "a"}, 1.0, None, None),))

    out = Readings((), max_series=100)
    out.add_families([family(HEAT.name), family(POWER.name)])
    run = Heard(1.0, (Published("files", {}, out.snapshot()),))
    assert renamed(run, run) == [[(text("a"), 1.0)]] * 2


def text(plug):
    return f'{POWER.name}{{plug="{plug}"}}'

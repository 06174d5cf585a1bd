"""Readings → rows, and the rules, the groups and the words that follow from rows."""

from random import Random

import pytest

from collector_plugins.anomaly.anomalies import severity_of
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.extremes import Extremes
from collector_plugins.anomaly.groups import Group, quadratic_form
from collector_plugins.anomaly.rows import Mean, Rate
from collector_plugins.anomaly.rules import Rules
from collector_plugins.anomaly.topics import ACTIONS, TOPICS, topic_of
from collector_plugins.anomaly.words import Finding, number, sentence, unit_of

DAY = 86_400.0


def test_a_gauge_becomes_its_mean():
    row = Mean()
    for at, value in enumerate((1.0, 2.0, 6.0)):
        row.add(value, at)
    assert (row.close(), row.close()) == (3.0, None)


def test_a_counter_becomes_its_rate_across_rows():
    row = Rate(max_gap=30)
    row.add(100.0, 0.0)
    assert row.close() is None
    row.add(150.0, 10.0)
    row.add(200.0, 20.0)
    assert row.close() == 5.0
    row.add(230.0, 30.0)
    assert row.close() == 3.0


def test_a_reset_and_a_gap_are_not_guessed():
    row = Rate(max_gap=30)
    for value, at in ((100.0, 0.0), (150.0, 10.0), (20.0, 20.0), (40.0, 30.0), (9000.0, 100.0)):
        row.add(value, at)
    assert row.close() == pytest.approx(70.0 / 20.0)
    row.cut()
    row.add(1.0, 110.0)
    assert row.close() is None


def fed(values, row=300.0):
    rules = Rules(row)
    return rules, [rule for value in values if (rule := rules.update(value))]


def test_a_series_of_whole_numbers_that_often_repeat_is_not_stuck():
    random = Random(1)
    assert fed([round(random.gauss(40, 0.6)) for _ in range(3000)])[1] == []


def test_a_series_that_is_0_every_night_is_not_zero():
    assert fed([float(step % 288 > 100) * (1 + step % 7) for step in range(3000)])[1] == []


def test_rare_events_are_odd_at_most_once_a_month():
    random = Random(1)
    months = 6
    values = [float(random.random() < 1 / 2000) for _ in range(months * 30 * 288)]
    rules, broken = fed(values)
    assert rules.is_sparse
    assert set(broken) <= {"rare_event"}
    assert len(broken) <= months


def test_a_mahalanobis_distance_knows_what_goes_together():
    related = [[1.0, 0.9], [0.9, 1.0]]
    assert quadratic_form([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]) == pytest.approx(25.0)
    assert quadratic_form(related, [2.0, 2.0]) == pytest.approx(8 / 1.9)
    assert quadratic_form(related, [2.0, -2.0]) == pytest.approx(8 / 0.1)


def group_after(sizes, rows=2000):
    group = Group(Detector(Settings(level=3.0), row_seconds=60))
    begun = [group.update(sizes(row), 60.0 * row) for row in range(rows)]
    return group, any(begun)


def together(row, random=Random(3)):  # noqa: B008 - one stream for a test
    common = random.gauss(0, 1)
    return {"power": common + random.gauss(0, 0.1), "use": common + random.gauss(0, 0.1), "heat": random.gauss(0, 1)}


def test_series_that_always_went_together_and_part_are_odd_though_none_is_far_off():
    group, begun = group_after(together)
    assert not begun
    assert any(group.update({"power": 3.2, "use": -3.2, "heat": 0.0}, 60.0 * (2000 + row)) for row in range(20))


def test_a_metric_that_is_gone_does_not_silence_the_others():
    group, _ = group_after(together)
    group.keep({"power", "use"})
    assert not group.update({"power": 0.1, "use": 0.1}, 0.0)
    assert group.verdict is not None


def test_a_group_goes_on_where_it_was():
    group, _ = group_after(together, rows=300)
    other = Group(Detector(row_seconds=60))
    other.restore(group.state(), group.detector)
    assert other.state() == group.state()
    with pytest.raises(ValueError, match="damaged"):
        other.restore({"names": ["a"], "matrix": [], "rows": 1}, group.detector)


def test_the_days_since_a_value_was_last_so_high():
    extremes = Extremes()
    for day, high in enumerate((9.0, 3.0, 4.0)):
        extremes.add(1.0, day * DAY)
        extremes.add(high, day * DAY + 60)
    assert extremes.days_since(5.0, 3 * DAY, above=True) == 3
    assert extremes.days_since(3.5, 3 * DAY, above=True) == 1
    assert extremes.days_since(10.0, 2 * DAY, above=True) == 2
    assert extremes.days_since(0.5, 2 * DAY, above=False) == 2
    assert extremes.days_since(1.0, 2 * DAY, above=False) == 0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.93, "ratio", "0.93"),
        (231.4, "watts", "231 W"),
        (4.19e9, "bytes", "4.19 GB"),
        (1.23e5, "bytes/s", "123 kB/s"),
        (0.0, "/s", "0 /s"),
        (71.25, "celsius", "71.2 °C"),
        (2.5e-5, "seconds", "2.50e-05 s"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, unit, text):
    assert number(value, unit) == text


def test_a_counter_of_joules_is_told_in_watts():
    assert (unit_of("joules", is_counter=True), unit_of("bytes", is_counter=True)) == ("watts", "bytes/s")


def test_a_description_has_the_numbers():
    finding = Finding("CPU use of this machine", "ratio", 0.93, 0.12, 0.04, days_watched=9, days_unseen=6)
    assert sentence("level", finding) == (
        "CPU use of this machine is 0.93, expected 0.12 ± 0.04 at this time of day; the highest in 6 days"
    )


def test_severity_grows_with_size_and_company():
    sizes = [severity_of(size, related) for size, related in ((3, 0), (5, 0), (12, 0), (40, 0), (40, 4))]
    assert sizes == [1, 2, 3, 4, 5]


def test_every_component_has_actions_and_unknown_metrics_belong_to_their_plugin():
    assert {topic.component for topic in TOPICS} == set(ACTIONS)
    assert topic_of("shelly_power_watts", "shelly").component == "shelly"

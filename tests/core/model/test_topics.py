"""Series are found by what they are about, whoever publishes them."""

import pytest
from prometheus_client.core import GaugeMetricFamily

from collector_core import Gauge, Info, Published, Readings, Selector, TopicSelector, TopicsSelector, Unit

GREENHOUSE = Gauge(
    "plug_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="greenhouse", title="Power of the greenhouse"
)
GPU = Gauge("card_draw_watts", "Power.", Unit.WATTS, topic="power", of="gpu")
HEAT = Gauge("card_heat_celsius", "Heat.", Unit.CELSIUS, topic="temperature", of="gpu")
PLAIN = Gauge("card_slots", "Slots.")
FACTS = Info("card_info", "Facts.", ("model",), topic="inventory", of="gpu", title="GPU")


def published():
    out = Readings((GREENHOUSE, GPU, HEAT, PLAIN, FACTS), max_series=100)
    out.add(GREENHOUSE, 40, plug="lamps")
    out.add(GREENHOUSE, 60, plug="fan")
    out.add(GPU, 300)
    out.add(HEAT, 70)
    out.add(PLAIN, 4)
    out.add(FACTS, model="x")
    out.add_families([GaugeMetricFamily("power", "Foreign.", value=1)])
    return Published("plugs", {"site": "barn"}, out.snapshot())


def reading(metric, value, **before):
    out = Readings((GREENHOUSE, GPU, HEAT, PLAIN, FACTS), max_series=100, **before)
    out.add(metric, value)
    return out.snapshot()


@pytest.mark.parametrize(
    ("topic", "of", "values"),
    [
        ("power", None, [40, 60, 300]),
        ("power", "gpu", [300]),
        ("temperature", "gpu", [70]),
        ("temperature", "greenhouse", []),
        ("humidity", None, []),
        (None, None, [40, 60, 300, 70, 1]),
        (None, "gpu", [300, 70, 1]),
    ],
)
def test_a_topic_chooses_what_is_about_it(topic, of, values):
    assert [value for _, value in TopicSelector(topic, of=of).select([published()])] == values


def test_several_topics_are_chosen_in_one_pass():
    wanted = TopicsSelector([("power", "gpu"), ("temperature", "gpu"), ("power", "nobody")])
    assert [(series.topic, series.of, value) for series, value in wanted.select([published()])] == [
        ("power", "gpu", 300),
        ("temperature", "gpu", 70),
    ]


def test_a_selector_sees_sources_that_come_go_and_change():
    selector, one = TopicSelector("power"), published()
    other = Published("solar", {}, reading(GPU, 7))
    grown = Published("plugs", {}, reading(GPU, 300, previous=one.snapshot))

    def chosen(*sources):
        return [(series.source, value) for series, value in selector.select(sources)]

    plugs = [("plugs", 40), ("plugs", 60), ("plugs", 300)]
    assert chosen(one) == plugs
    assert chosen(one, other) == [*plugs, ("solar", 7)]
    assert chosen(other, one) == [("solar", 7), *plugs]
    assert chosen(grown) == [("plugs", 300)]
    assert chosen(Published("renamed", {}, one.snapshot)) == [("renamed", value) for _, value in plugs]


def test_series_say_what_they_are_about():
    series, _ = next(iter(TopicSelector("power", of="greenhouse").select([published()])))
    assert (series.topic, series.of, series.title) == ("power", "greenhouse", "Power of the greenhouse")
    assert series.text == 'plug_power_watts{plug="lamps",site="barn"}'
    assert series.heading == "Power of the greenhouse (site=barn, plug=lamps)"
    [(plain, _)] = Selector.parse("card_slots").select([published()])
    assert (plain.topic, plain.of, plain.title, plain.heading) == ("", "", "", "card_slots (site=barn)")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{__topic__="power"}', [40, 60, 300]),
        ('{__topic__="power",__of__="gpu"}', [300]),
        ('{__of__=~"gpu|vm"}', [300, 70, 1]),
        ('plug_*{__topic__="power",plug="fan"}', [60]),
        ('{__topic__!~"power|inventory",__name__=~"card.*"}', [70, 4]),
        ('{__topic__="",__name__="power"}', [1]),
    ],
)
def test_a_selector_chooses_by_topic_too(text, values):
    selector = Selector.parse(text)
    found = list(selector.select([published()]))
    assert [value for _, value in found] == values
    assert all(selector.matches(each.name, each.labels, topic=each.topic, of=each.of) for each, _ in found)


def test_places_of_a_topic_are_looked_up_once():
    selector, source = TopicSelector("power"), published()
    assert selector.places(source) is selector.places(source)

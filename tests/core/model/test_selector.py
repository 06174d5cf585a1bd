"""Selectors: PromQL's matchers over what is published."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.samples import Sample

from collector_core import Counter, Gauge, Published, Readings, Selector, Series, Unit
from collector_core.model.series import AnyOf

USAGE = Gauge("host_cpu_usage_ratio", "Use.", Unit.RATIO, ("cpu", "mode"))
BYTES = Counter("host_disk_read_bytes_total", "Read.", Unit.BYTES, ("device",))


def published(labels=None, source="host"):
    out = Readings((USAGE, BYTES), max_series=100)
    for cpu in ("0", "1", "10"):
        out.add(USAGE, 0.25, cpu=cpu, mode="user")
    out.add(USAGE, 0.5, cpu="0", mode='a"b')
    out.add(BYTES, 7, device="sda")
    return Published(source, labels or {}, out.snapshot())


def select(text, *sources):
    return {series.text: value for series, value in Selector.parse(text).select(sources or [published()])}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("host_cpu_usage_ratio", 4),
        ("host_*", 5),
        ("*_bytes_total", 1),
        ('host_cpu_usage_ratio{cpu="0"}', 2),
        ('host_cpu_usage_ratio{cpu!="0"}', 2),
        ('host_cpu_usage_ratio{cpu=~"0|1"}', 3),
        ('host_cpu_usage_ratio{cpu!~"1.*"}', 2),
        ('host_cpu_usage_ratio{mode="a\\"b"}', 1),
        (' host_cpu_usage_ratio { cpu = "0" , mode="user", } ', 1),
        ('{device="sda"}', 1),
        ('{device=""}', 4),
        ("nothing", 0),
        ("host_cpu_usage_ratio{}", 4),
        ('{__name__="host_cpu_usage_ratio"}', 4),
        ('{__name__!="host_cpu_usage_ratio"}', 1),
        ('{__name__=~"host_cpu.*"}', 4),
        ('{__name__=~"cpu"}', 0),
        ('{__name__!~"host_cpu.*"}', 1),
        ('{__name__=""}', 0),
        ('{cpu="0",__name__=~"host_.*",mode="user"}', 1),
        ('{__name__!~".*_total",cpu=~"1.*"}', 2),
        ('{__name__=~".*_ratio|.*_total",__name__!="host_cpu_usage_ratio"}', 1),
        ('host_*{__name__!~".*_total"}', 4),
        ('host_cpu_usage_ratio{__name__="host_disk_read_bytes_total"}', 0),
        ('host_*{__name__=~".*_ratio",cpu="10"}', 1),
    ],
)
def test_a_selector_means_what_promql_means(text, count):
    assert len(select(text)) == count


def test_the_name_of_a_foreign_sample_is_matched_too():
    histogram = Metric("rpc_seconds", "Time of a call.", "histogram")
    histogram.samples = [Sample("rpc_seconds_count", {}, 3.0), Sample("rpc_seconds_sum", {}, 0.5)]
    out = Readings((), max_series=100)
    out.add_families([histogram])
    source = Published("rpc", {}, out.snapshot())
    assert list(select('{__name__=~".*_count"}', source)) == ["rpc_seconds_count"]
    assert list(select('rpc_*{__name__!~".*_count"}', source)) == ["rpc_seconds_sum"]


@pytest.mark.parametrize(("operator", "meant"), [("=", "a"), ("!=", "bc"), ("=~", "a"), ("!~", "bc")])
def test_a_name_and_labels_are_matched_alike(operator, meant):
    selector = Selector.parse(f'{{__name__{operator}"a",side="left"}}')
    assert [name for name in "abc" if selector.matches(name, {"side": "left"})] == list(meant)
    assert not any(selector.matches(name, {"side": "right"}) for name in "abc")


def test_series_tell_what_they_are():
    [(series, value)] = Selector.parse("*_total").select([published({"site": "barn"})])
    assert str(series) == 'host_disk_read_bytes_total{device="sda",site="barn"}'
    assert (series.kind, series.unit, series.help, series.source, value) == ("counter", "bytes", "Read.", "host", 7)
    assert series.labels == {"device": "sda", "site": "barn"}


def test_labels_of_the_collector_are_matched_too():
    sources = [published({"site": "barn"}, "barn"), published({"site": "house"}, "house")]
    assert list(select('*_total{site="house"}', *sources)) == ['host_disk_read_bytes_total{device="sda",site="house"}']


def test_two_sources_with_one_layout_are_kept_apart():
    one = published()
    other = Published("twin", {"twin": "1"}, one.snapshot)
    assert len(select("host_disk_read_bytes_total", one, other)) == 2


def test_a_layout_is_looked_up_once():
    selector, source = Selector.parse("host_*"), published()
    first = [series for series, _ in selector.select([source])]
    assert all(a is b for a, (b, _) in zip(first, selector.select([source]), strict=True))


def test_places_say_where_the_values_stand():
    source = published()
    places = Selector.parse('host_*{cpu="0"}').places(source)
    assert [source.snapshot.values[place] for place, _ in places] == [0.25, 0.5]
    assert [series.labels["mode"] for _, series in places] == ["user", 'a"b']


def test_families_of_foreign_code_can_be_asked_for_alone():
    family = Metric("host_rpc_seconds", "Time of a call.", "gauge")
    family.samples = [Sample("host_rpc_seconds", {"call": "get"}, 3.0)]
    out = Readings((USAGE,), max_series=100)
    out.add(USAGE, 0.25, cpu="0", mode="user")
    out.add_families([family])
    source = Published("host", {"site": "barn"}, out.snapshot())
    [(series, value)] = Selector.parse("host_*").select_families(source)
    assert (series.text, value) == ('host_rpc_seconds{call="get",site="barn"}', 3.0)
    assert not list(Selector.parse("*").select_families(published()))


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("host_cpu_*", True),
        ('{cpu="0"}', True),
        ('{__topic__="load",__of__="cpu"}', True),
        ("host_disk_*", False),
        ('{cpu="1"}', False),
        ('{__topic__="power"}', False),
        ('{__of__="gpu"}', False),
    ],
)
def test_a_series_is_meant_by_its_name_labels_and_topic(text, is_meant):
    series = Series("x", "host_cpu_usage_ratio", {"cpu": "0"}, "gauge", "ratio", "", "host", topic="load", of="cpu")
    assert Selector.parse(text).means(series) is is_meant


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("a{", "position 1"),
        ("a b", "position 2"),
        ('a{b="c"', "position 1"),
        ('a{b="c" d="e"}', "position 2"),
        ("a{b=c}", "position 2"),
        ('a{b=~"("}', "not a regular expression"),
    ],
)
def test_a_bad_selector_says_where(text, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Selector.parse(text)


@given(st.text(alphabet='ab*_{}=~!", \\n', max_size=30))
def test_any_text_is_a_selector_or_a_value_error(text):
    try:
        selector = Selector.parse(text)
    except ValueError:
        return
    list(selector.select([published()]))
    assert Selector.parse(text) == selector


@given(st.text(max_size=20))
def test_every_label_value_can_be_selected(value):
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    selector = Selector.parse(f'x{{a="{escaped}"}}')
    assert selector.matches("x", {"a": value})
    assert not selector.matches("x", {"a": value + "!"})


def test_a_regular_expression_that_would_backtrack_for_ever_answers() -> None:
    selector = Selector.parse('a{device=~"(x+x+)+y"}')

    assert not selector.matches("a", {"device": "x" * 5000})
    assert selector.matches("a", {"device": "x" * 5000 + "y"})


def test_what_any_of_several_choosers_means_comes_once_in_the_order_of_publication():
    said = [published(), published(source="other")]
    any_of = AnyOf([Selector.parse(text) for text in ("*_total", '{cpu="0"}', "host_*")])
    assert list(any_of.select(said)) == list(Selector.parse("host_*").select(said))
    assert any_of.places(said[0]) is any_of.places(said[0]), "looked up once"
    assert list(AnyOf([]).select(said)) == []

"""Families of foreign code are published as prometheus_client writes them, or refused at the plugin's own line."""

import math
import types
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client import Counter as ClientCounter
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    StateSetMetricFamily,
    SummaryMetricFamily,
    Timestamp,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.samples import NativeHistogram, Sample

from collector_core import (
    Collector,
    Counter,
    DeclarationError,
    Gauge,
    Info,
    ReadingError,
    Readings,
    hookimpl,
    wrap_collector,
)
from collector_core.engine.app import App
from collector_core.errors import visible
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.model.result import Result
from collector_core.plugins.discovery import check_type, detect
from collector_core.testing import FakeClock, Harness, assert_plugin_contract
from collector_core.web import api, page

TEXT = negotiate("text/plain", "")
OPENMETRICS = negotiate("application/openmetrics-text; version=1.0.0", "")
LOAD = Gauge("x_load", "Load.")
JOBS = Counter("x_jobs_total", "Jobs.")
DEVICE = Info("x_device_info", "Device.")
METRICS = (LOAD, JOBS, DEVICE)


def readings(families=(), metrics=METRICS, max_series=100, **options):
    out = Readings(metrics, max_series=max_series, **options)
    out.add_families(families)
    return out


def publish(families, labels=None):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS, labels)
    source.publish(readings(families, max_series=10_000).snapshot())
    return exposition


def assert_same_bytes(exposition):
    assert exposition.body(TEXT) == generate_latest(exposition.registry)
    assert exposition.body(OPENMETRICS) == generate_openmetrics(exposition.registry)


SAMPLES = {
    "counter": ["_total", "_created"],
    "gauge": [""],
    "gaugehistogram": ["_bucket", "_gsum", "_gcount"],
    "histogram": ["_bucket", "_sum", "_count", "_created"],
    "info": ["_info"],
    "stateset": [""],
    "summary": ["", "_sum", "_count", "_created"],
    "unknown": [""],
}
EXEMPLARS = {"counter": "_total", "histogram": "_bucket", "gaugehistogram": "_bucket"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
label_names = st.sampled_from(["le", "quantile", "zone", "Name", "_x", "caf\u00e9", "a.b"])
labels = st.dictionaries(label_names, texts.filter(bool), max_size=3)
# A whole number comes as an int only: one that turns into a float is the same time, and not written anew.
seconds = st.one_of(st.integers(-(10**10), 10**10), st.floats(-1e10, 1e10).filter(lambda number: number % 1))
# prometheus_client writes an exemplar's label names as they are, even where no scraper can read them.
exemplar_labels = st.dictionaries(st.sampled_from(["trace_id", "Span"]), texts, max_size=2)
exemplars = st.builds(Exemplar, exemplar_labels, st.floats(allow_nan=False), st.none() | seconds)


@st.composite
def family(draw, number=0):
    kind = draw(st.sampled_from(sorted(SAMPLES)))
    unit = draw(st.sampled_from(["", "seconds"]))
    made = Metric(f"{draw(st.sampled_from(['f', 'F_', '_f']))}{number}", draw(texts), kind, unit)
    series = st.tuples(st.sampled_from(SAMPLES[kind]), labels)
    for ending, own in draw(
        st.lists(series, max_size=6, unique_by=lambda each: (each[0], tuple(sorted(each[1].items()))))
    ):
        exemplar = draw(st.none() | exemplars) if ending == EXEMPLARS.get(kind) else None
        made.add_sample(made.name + ending, own, draw(st.floats()), draw(st.none() | seconds), exemplar)
    return made


@st.composite
def families(draw):
    return [draw(family(number)) for number in range(draw(st.integers(0, 4)))]


def shown(labels):
    """Labels whose control characters are spelled out."""
    return {name: visible(value) for name, value in labels.items()}


class Expected:
    """What prometheus_client would be given, had its user left out and spelled out what we do."""

    def __init__(self, families, constant):
        self.families = [self.family(each, constant) for each in families]

    def family(self, family, constant):
        made = Metric(family.name, visible(family.documentation), family.type, family.unit)
        made.samples = [
            sample._replace(labels=constant | shown(sample.labels), exemplar=self.exemplar(sample.exemplar))
            for sample in family.samples
            if not sample.name.endswith("_created") and not math.isnan(sample.value)
        ]
        return made

    def exemplar(self, given):
        return given._replace(labels=shown(given.labels)) if given else None

    def collect(self):
        return [family for family in self.families if family.samples]


@settings(max_examples=100, deadline=None)
@given(
    runs=st.lists(families(), min_size=1, max_size=3), constant=st.dictionaries(st.sampled_from(["zz", "aa"]), texts)
)
def test_the_bytes_are_those_of_prometheus_client(runs, constant):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS, constant)
    for number, run in enumerate(runs):
        out = readings(run, max_series=1000)
        out.add(LOAD, number)
        snapshot = out.snapshot()
        source.publish(snapshot)
        head = f"# HELP x_load Load.\n# TYPE x_load gauge\nx_load{constant_text(constant)} {number}.0\n".encode()
        assert exposition.body(TEXT) == head + generate_latest(Expected(run, constant))
        assert exposition.body(OPENMETRICS) == head + generate_openmetrics(Expected(run, constant))
        assert_same_bytes(exposition)


def constant_text(constant):
    made = Metric("m", "", "gauge")
    made.add_sample("m", constant, 1)
    return generate_latest(types.SimpleNamespace(collect=lambda: [made])).decode().partition("\nm")[2][:-5]


def test_every_type_of_prometheus_client_is_shown():
    histogram = HistogramMetricFamily("h", "H.", buckets=[("1.0", 1), ("+Inf", 2)], sum_value=math.inf)
    body = publish(
        [
            GaugeMetricFamily("g_watts", "G.", 5, unit="watts"),
            CounterMetricFamily("c", "C.", 5, created=1.5),
            histogram,
            SummaryMetricFamily("s", "S.", 2, 3.5),
            InfoMetricFamily("i", "I.", {"version": "1"}),
            StateSetMetricFamily("e", "E.", {"off": False, "on": True}),
        ]
    ).body(OPENMETRICS)
    assert body.decode().splitlines() == [
        *["# HELP g_watts G.", "# TYPE g_watts gauge", "# UNIT g_watts watts", "g_watts 5.0"],
        *["# HELP c C.", "# TYPE c counter", "c_total 5.0"],
        *["# HELP h H.", "# TYPE h histogram", 'h_bucket{le="1.0"} 1.0', 'h_bucket{le="+Inf"} 2.0'],
        *["h_count 2.0", "h_sum +Inf"],
        *["# HELP s S.", "# TYPE s summary", "s_count 2.0", "s_sum 3.5"],
        *["# HELP i I.", "# TYPE i info", 'i_info{version="1"} 1.0'],
        *["# HELP e E.", "# TYPE e stateset", 'e{e="off"} 0.0', 'e{e="on"} 1.0'],
        "# EOF",
    ]


def test_nan_and_native_histograms_are_absent():
    made = Metric("m", "M.", "gauge")
    made.add_sample("m", {"a": "1"}, math.nan)
    made.add_sample("m", {"a": "2"}, 0.0, native_histogram=NativeHistogram(1, 1, 0, 0, 1))
    assert publish([made]).body(TEXT) == b""
    made.add_sample("m", {"a": "3"}, -math.inf)
    assert publish([made]).body(TEXT).splitlines()[2:] == [b'm{a="3"} -Inf']


def test_a_gauge_may_be_called_created():
    assert b"backup_created 5.0" in publish([GaugeMetricFamily("backup_created", "When.", 5)]).body(TEXT)


def test_a_timestamp_of_prometheus_client_is_shown_in_both_formats():
    made = Metric("m", "M.", "gauge")
    made.add_sample("m", {}, 1, Timestamp(1700000000, 250_000_000))
    exposition = publish([made])
    assert b"m 1.0 1700000000250\n" in exposition.body(TEXT)
    assert b"m 1.0 1700000000.25\n" in exposition.body(OPENMETRICS)


def test_an_exemplar_where_it_does_not_belong_is_left_out():
    made = Metric("m", "M.", "gauge")
    made.add_sample("m", {}, 1, exemplar=Exemplar({}, 1))
    assert_same_bytes(publish([made]))


def test_what_foreign_code_changes_later_changes_nothing():
    made, own = Metric("m", "M.", "gauge"), {"a": "1"}
    made.add_sample("m", own, 1)
    exposition = publish([made])
    own["a"] = "2"
    made.add_sample("m", {}, 1)
    assert exposition.body(TEXT).splitlines()[2:] == [b'm{a="1"} 1.0']
    next(iter(exposition.registry.collect())).samples.clear()
    assert_same_bytes(exposition)


def sample(name="m", labels=None, value=1.0, timestamp=None, exemplar=None, **family):
    made = Metric("m", "M.", "counter" if exemplar else "gauge")
    made.samples = [Sample(name, labels or {}, value, timestamp, exemplar)]
    for key, changed in family.items():
        setattr(made, key, changed)
    return made


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (sample(type="weather"), "m: there is no metric type 'weather'"),
        (sample(unit="watts"), "must end in _watts"),
        (sample(name=""), "'' is not a name"),
        (sample(documentation=None), "m: help must be text, got NoneType"),
        (sample(documentation="\ud800"), "m: help is not valid Unicode"),
        (sample(labels={"a": 1}), "m: label a must be text, got int"),
        (sample(labels={"a": "x" * 1025}), "m: label a has 1025 characters"),
        (sample(labels={"a": "\ud800"}), "m: label a is not valid Unicode"),
        (sample(labels={"a.b": "1", "a_b": "2"}), "'a.b', 'a_b' are indistinguishable"),
        (sample(labels={"__name__": "other"}), "'__name__' are indistinguishable"),
        (sample(value="many"), "m: value 'many' is not a number"),
        (sample(value=10**400), "is not a number"),
        (sample(timestamp=math.nan), "m: nan is not a time"),
        (sample(timestamp=1e300), "is not a time"),
        (sample("m_total", exemplar=Exemplar({"a": 1}, 1)), "m_total: label a must be text"),
        (sample("m_total", exemplar=Exemplar({}, "x")), "m_total: exemplar 'x' is not a number"),
        (sample("m_total", exemplar=Exemplar({}, 1, math.inf)), "m_total: inf is not a time"),
        (3, "int is not a metric family"),
    ],
)
def test_what_no_scraper_could_read_is_refused(family, message):
    with pytest.raises(ReadingError) as refused:
        readings([family])
    assert message in str(refused.value)


def test_odd_names_are_written_alike_in_both_formats():
    made = Metric("job:load.mean", "Odd.", "gauge")
    made.add_sample("job:load.mean", {"caf\u00e9": "1"}, 1)
    exposition = publish([made, sample("1m")])
    for encoding in (TEXT, OPENMETRICS):
        assert b'\njob_load_mean{caf_="1"} 1.0\n' in exposition.body(encoding)
        assert b"\n_m 1.0\n" in exposition.body(encoding)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (GaugeMetricFamily("m", "M.", 1), GaugeMetricFamily("m", "M.", 1, labels=None)),
        (CounterMetricFamily("m", "M.", 1), GaugeMetricFamily("m_total", "M.", 1)),
        (InfoMetricFamily("m", "M.", {}), GaugeMetricFamily("m_info", "M.", 1)),
        (SummaryMetricFamily("m", "M.", 1, 1), GaugeMetricFamily("m_sum", "M.", 1)),
        (HistogramMetricFamily("m", "M.", [("+Inf", 1)], 1), CounterMetricFamily("m_bucket", "M.", 1)),
        (GaugeMetricFamily("other", "M.", 1), sample("other", {"a": "1"})),
        (GaugeMetricFamily("_m", "M.", 1), sample("1m", {"a": "1"})),
        (GaugeMetricFamily("a_b", "M.", 1), sample("a:b", {"a": "1"})),
    ],
)
def test_a_name_comes_once_in_a_run(first, second):
    for pair in ([first, second], [second, first]):
        with pytest.raises(ReadingError, match=rf"{pair[1].name} \({pair[1].type}\) and {pair[0].name} \("):
            readings(pair)


@pytest.mark.parametrize("name", ["x_load", "x_jobs", "x_jobs_total", "x_device", "x_device_info"])
def test_a_name_that_the_collector_declares_is_refused(name):
    with pytest.raises(ReadingError, match=rf"{name} \(gauge\): {name} is taken by x_.*declares"):
        readings([GaugeMetricFamily(name, "Mine.", 1)])


def test_a_series_comes_once():
    made = sample(labels={"a": "1"})
    made.add_sample("m", {"a": "1", "b": ""}, 2)
    with pytest.raises(ReadingError, match=r'm\{a="1",b=""\} comes twice'):
        readings([made])


def test_merged_families_are_one_with_the_first_help():
    out = Readings(METRICS, max_series=10)
    out.add_families([sample(labels={"a": "1"}, documentation="First.")], merge=True)
    out.add_families([sample(labels={"a": "2"}, documentation="Second.")], merge=True)
    (family,) = out.snapshot().families
    assert family.documentation == "First."
    assert [each.labels for each in family.samples] == [{"a": "1"}, {"a": "2"}]
    with pytest.raises(ReadingError, match="comes twice"):
        out.add_families([sample(labels={"a": "1"})], merge=True)
    with pytest.raises(ReadingError, match=r"m \(unknown\) and m \(gauge\)"):
        out.add_families([sample(labels={"a": "3"}, type="unknown")], merge=True)


def test_a_part_that_fails_takes_its_families_along():
    out = readings([sample(labels={"a": "1"})])
    with out.part(file="b"):
        out.add_families([GaugeMetricFamily("other", "O.", 1)])
        out.add_families([sample(labels={"a": "2"})], merge=True)
        raise ValueError
    out.add_families([GaugeMetricFamily("other", "O.", 2)])
    out.add_families([sample(labels={"a": "2"})], merge=True)
    assert [(family.name, len(family.samples)) for family in out.snapshot().families] == [("m", 2), ("other", 1)]
    with out.part(file="c"):
        out.add(LOAD, 1)
    assert [failure.name for failure in out.part_failures] == ["file=b"]


def test_they_count_towards_the_series_budget():
    made = GaugeMetricFamily("m", "M.", labels=["a"])
    for number in range(5):
        made.add_metric([str(number)], 1)
    assert len(readings([made], max_series=5).snapshot()) == 5
    out = readings([made, GaugeMetricFamily("n", "N.", 1)], max_series=5)
    assert [family.name for family in out.snapshot().families] == ["m"]
    assert [str(failure.error) for failure in out.failures] == [
        "left out, because there are more than max_series = 5: 1 series; most of them in n (labels: none)"
    ]
    out = readings([made], max_series=5)
    out.add(LOAD, 1)
    assert (len(out.snapshot()), out.left_out) == (5, 1)


def test_a_part_whose_families_do_not_fit_is_left_out_and_knows_it():
    out = readings([sample(labels={"a": "1"})], max_series=2)
    finished = False
    with out.part(file="large"):
        out.add_families([GaugeMetricFamily("n", "N.", 1)])
        out.add_families([GaugeMetricFamily("o", "O.", 1)])
        finished = True
    assert not finished
    out.add(LOAD, 1)
    assert [family.name for family in out.snapshot().families] == ["m"]
    assert "file=large (2 series)" in str(out.failures[0].error)


def test_an_endless_generator_is_stopped_and_what_fits_is_kept():
    def endless():
        number = 0
        while True:
            number += 1
            yield GaugeMetricFamily(f"m{number}", "M.", 1)

    assert len(readings(endless(), max_series=1000).snapshot()) == 1000


def test_a_run_without_foreign_families_after_one_with_them_drops_them():
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    first = readings([sample()])
    first.add(LOAD, 1)
    source.publish(first.snapshot())
    assert b"\nm 1.0\n" in exposition.body(TEXT)
    second = Readings(METRICS, max_series=10, previous=first.snapshot())
    second.add(LOAD, 1)
    source.publish(second.snapshot())
    assert b"\nm 1.0\n" not in exposition.body(TEXT)
    assert b"x_load 1.0" in exposition.body(TEXT)


def test_they_vanish_when_they_are_stale_and_when_the_source_closes():
    clock = FakeClock()
    exposition = Exposition(clock)
    source = exposition.source("x", METRICS)
    snapshot = readings([sample()]).snapshot()
    source.publish(snapshot, expires_at=clock.monotonic() + 10)
    clock.advance(10)
    assert exposition.body(TEXT) == b""
    source.publish(snapshot)
    assert b"m 1.0" in exposition.body(TEXT)
    source.close()
    assert exposition.body(TEXT) == b""


def test_unchanged_families_keep_the_body():
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    first = readings([sample()]).snapshot()
    source.publish(first)
    body = exposition.body(TEXT)
    source.publish(readings([sample()], previous=first).snapshot())
    assert exposition.body(TEXT) is body
    source.publish(readings([sample(value=2)], previous=first).snapshot())
    assert b"m 2.0" in exposition.body(TEXT)


def test_a_label_of_its_own_goes_before_the_constant_one():
    body = publish([sample(labels={"site": "barn"})], {"site": "lab", "unit": "1"}).body(TEXT)
    assert b'm{site="barn",unit="1"} 1.0\n' in body


def test_series_that_constant_labels_make_equal_are_refused():
    made = sample(labels={"site": "lab"})
    made.add_sample("m", {}, 2)
    with pytest.raises(ReadingError, match="comes twice"):
        publish([made], {"site": "lab"})


@pytest.mark.parametrize("name", ["x_load", "x_jobs", "x_jobs_total", "x_device_info"])
def test_a_name_of_another_source_is_refused_by_run_and_exposition(name):
    exposition = Exposition(FakeClock())
    exposition.source("owner", METRICS)
    source = exposition.source("guest", ())
    family = GaugeMetricFamily(name, "Mine.", 1)
    with pytest.raises(ReadingError, match=rf"{name} is taken by owner"):
        readings([family], metrics=(), owner_of=source.owner_of)
    with pytest.raises(ReadingError, match=rf"{name} of guest is taken by owner"):
        source.publish(readings([family], metrics=()).snapshot())
    assert exposition.body(TEXT) == b""


def test_a_name_that_another_source_shows_is_refused_until_it_is_free():
    exposition = Exposition(FakeClock())
    first, second = exposition.source("first", ()), exposition.source("second", ())
    first.publish(readings([CounterMetricFamily("m", "M.", 1)]).snapshot())
    clash = readings([GaugeMetricFamily("m_total", "M.", 2)]).snapshot()
    for _ in range(2):
        assert second.owner_of("m_total") == "first"
        with pytest.raises(ReadingError, match="m_total of second is taken by first"):
            second.publish(clash)
    assert first.owner_of("m_total") == ""
    first.close()
    second.publish(clash)
    assert b"m_total 2.0" in exposition.body(TEXT)


def test_declared_names_win_over_foreign_ones_whoever_comes_first():
    exposition = Exposition(FakeClock())
    guest = exposition.source("guest", ())
    snapshot = readings([GaugeMetricFamily("x_load", "Mine.", 1)], metrics=()).snapshot()
    guest.publish(snapshot)
    owner = exposition.source("owner", METRICS)
    assert exposition.body(TEXT) == b""
    with pytest.raises(ReadingError, match="x_load of guest is taken by owner"):
        guest.publish(snapshot)
    owner.close()
    guest.publish(snapshot)
    assert b"x_load 1.0" in exposition.body(TEXT)


class Weather:
    """An existing custom collector."""

    made = 0

    def __init__(self):
        type(self).made += 1

    def collect(self):
        yield GaugeMetricFamily("outside_temperature_celsius", "Outside.", 21.5)


def test_a_wrapped_collector_takes_one_line(bench):
    collector_types = hookimpl(lambda: [wrap_collector("weather", Weather)])
    (cls,) = collector_types()
    check_type("weather", cls)
    assert_plugin_contract(cls)
    Weather.made = 0
    b = bench(cls, labels=(("site", "lab"),))
    b.tick()
    b.clock.advance(1)
    b.tick()
    assert b.metrics()['outside_temperature_celsius{site="lab"}'] == 21.5
    assert b.metrics()['collector_series{collector="weather",plugin="weather"}'] == 1
    assert Weather.made == 1


def test_a_wrapped_collector_runs_without_configuration(tmp_path):
    assert detect(wrap_collector("weather", Weather), tmp_path, FakeClock()) is None


@pytest.mark.parametrize("make", [lambda registry: registry, lambda registry: lambda: registry])
def test_an_object_or_a_function_that_makes_one_can_be_wrapped(make):
    registry = CollectorRegistry()
    ClientCounter("jobs", "Jobs.", registry=registry).inc()
    Histogram("wait_seconds", "Wait.", registry=registry).observe(3)
    harness = Harness(wrap_collector("jobs", make(registry)))
    harness.run()
    assert "jobs_total 1.0\n" in harness.exposition()
    assert 'wait_seconds_bucket{le="+Inf"} 1.0\n' in harness.exposition()
    assert "_created" not in harness.exposition()
    harness.close()


def test_a_wrapped_collector_that_raises_is_made_anew(bench, caplog):
    class Failing(Weather):
        def collect(self):
            if type(self).made == 1:
                raise ConnectionError("no sun")
            return super().collect()

    Failing.made = 0
    b = bench(wrap_collector("weather", Failing))
    b.tick()
    assert b.runner.last_report.result is Result.ERROR
    assert "ConnectionError: no sun (test_prometheus_adapter.py:" in caplog.text
    b.clock.advance(1)
    b.tick()
    assert b.runner.last_report.result is Result.OK
    assert Failing.made == 2


def test_a_wrapped_collector_is_let_go_when_it_is_closed():
    made = []

    def make():
        weather = Weather()
        made.append(weakref.ref(weather))
        return weather

    harness = Harness(wrap_collector("weather", make))
    harness.run()
    harness.close()
    assert made[0]() is None


def test_a_factory_that_raises_is_an_error_of_the_run(bench):
    def fail():
        raise ConnectionRefusedError("not there")

    b = bench(wrap_collector("weather", fail))
    b.tick()
    assert b.runner.last_report.reason == "unreachable"


def test_a_run_that_clashes_fails_and_says_with_whom(bench, caplog):
    class Rude:
        def collect(self):
            return [GaugeMetricFamily("collector_up", "Me too.", 1)]

    b = bench(wrap_collector("rude", Rude))
    b.tick()
    assert "collector_up (gauge): collector_up is taken by rude (health)" in caplog.text
    assert b.runner.last_report.result is Result.ERROR


def test_a_wrapped_class_must_be_called_like_its_plugin():
    with pytest.raises(DeclarationError, match="must be 'other'"):
        check_type("other", wrap_collector("weather", Weather))


def test_the_page_and_the_json_show_them(instance):
    class Mixed(Collector):
        """Declares one metric, and hands over families."""

        name, metrics = "x", METRICS

        def collect(self, out):
            out.add(LOAD, 1)
            out.add_families([HistogramMetricFamily("wait_seconds", "Wait.", [("+Inf", 2)], math.inf, unit="seconds")])

    app = App()
    app.add(instance(Mixed, labels=(("site", "lab"),))).run_now()
    shown = api.snapshot(app)["x"]
    assert list(shown) == ["x_load", "wait_seconds_bucket", "wait_seconds_count", "wait_seconds_sum"]
    assert shown["wait_seconds_bucket"] == {
        "type": "histogram",
        "unit": "seconds",
        "help": "Wait.",
        "series": [{"labels": {"site": "lab", "le": "+Inf"}, "value": 2.0}],
    }
    assert shown["wait_seconds_sum"]["series"] == [{"labels": {"site": "lab"}, "value": "+Inf"}]
    html = page.render(app)
    assert "wait_seconds_bucket<span>{site=lab, le=+Inf}</span></td><td>2</td>" in html
    assert "wait_seconds_sum<span>{site=lab}</span></td><td>inf</td>" in html
    app.stop()

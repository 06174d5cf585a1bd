"""Our bytes are those of prometheus_client, whatever is published."""

import gzip
import math
import threading
import zlib
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as ClientCounter
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from collector_core import Counter, DeclarationError, Gauge, Info, ReadingError, Unit
from collector_core.exposition.formats import ExpositionFormat, negotiate
from collector_core.exposition.sources import Exposition
from collector_core.model.readings import Layout, Snapshot
from collector_core.testing import FakeClock

pytestmark = pytest.mark.usefixtures("speed_path")
TEXT = negotiate("text/plain", "")
OPENMETRICS = negotiate("application/openmetrics-text; version=1.0.0", "")
POWER = Gauge("x_power_watts", 'Power, "quoted", \\ and\nbroken.', Unit.WATTS, ("plug", "building"))
ENERGY = Counter("x_energy_joules_total", "Energy.", Unit.JOULES, ("plug",))
DEVICE = Info("x_device_info", "Device.", ("model",))
LOAD = Gauge("x_load", "Load.")
METRICS = (POWER, ENERGY, DEVICE, LOAD)


def snapshot(families):
    layout = Layout({metric: list(families.get(metric, ())) for metric in METRICS})
    return Snapshot(layout, array("d", [value for metric in METRICS for value in families.get(metric, {}).values()]))


def assert_same_bytes(exposition):
    assert exposition.body(TEXT) == generate_latest(exposition.registry)
    assert exposition.body(OPENMETRICS) == generate_openmetrics(exposition.registry)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(finite, st.integers(-(2**53), 2**53), st.just(math.inf))
families = st.fixed_dictionaries(
    {
        POWER: st.dictionaries(st.tuples(texts, texts), values, max_size=40),
        ENERGY: st.dictionaries(st.tuples(texts), st.floats(0, 1e300), max_size=3),
        DEVICE: st.dictionaries(st.tuples(texts), st.just(1.0), max_size=3),
        LOAD: st.dictionaries(st.just(()), values, max_size=1),
    }
)


@settings(max_examples=150)
@given(runs=st.lists(families, min_size=1, max_size=3), labels=st.dictionaries(st.sampled_from("zab"), texts))
def test_the_bytes_equal_those_of_prometheus_client(runs, labels):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS, labels)
    for run in runs:
        source.publish(snapshot(run))
        assert_same_bytes(exposition)


@given(before=st.lists(values, min_size=1, max_size=70), changes=st.dictionaries(st.integers(0, 69), values))
def test_only_values_changed_gives_the_same_bytes_as_rendering_anew(before, changes):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    layout = Layout({POWER: [(f"{place} %s", 'a "\\n\\\\ ') for place in range(len(before))]})
    source.publish(Snapshot(layout, array("d", before)))
    exposition.body(TEXT)
    after = [changes.get(place, value) for place, value in enumerate(before)]
    source.publish(Snapshot(layout, array("d", after)))
    assert_same_bytes(exposition)


@given(before=st.lists(values, min_size=1, max_size=9), changes=st.dictionaries(st.integers(0, 99), values, max_size=9))
def test_a_few_values_changed_among_many_give_the_same_bytes_as_rendering_anew(before, changes):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    layout = Layout({POWER: [(f"{place} %s", 'a "\\n\\\\ ') for place in range(100)]})
    for changed in ({}, changes):
        source.publish(Snapshot(layout, array("d", [changed.get(n, before[n % len(before)]) for n in range(100)])))
        assert_same_bytes(exposition)


PLUGS = st.sets(st.integers(0, 299))


@settings(max_examples=30)
@given(runs=st.lists(st.tuples(PLUGS, PLUGS, st.booleans()), min_size=2, max_size=5))
def test_series_that_come_and_go_give_the_same_bytes_as_rendering_anew(runs):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    for number, (powers, energies, has_load) in enumerate(runs):
        source.publish(
            snapshot(
                {
                    POWER: {(f"{plug} %s %% ", '"\n\\ é'): number + plug for plug in powers},
                    ENERGY: {(f"{plug}",): plug for plug in sorted(energies)},
                    LOAD: {(): 1.0} if has_load else {},
                }
            )
        )
        assert_same_bytes(exposition)


def test_families_of_several_instances_are_grouped_once():
    exposition = Exposition(FakeClock())
    barn, house = exposition.source("barn", METRICS, {"b": "barn"}), exposition.source("house", METRICS)
    barn.publish(snapshot({LOAD: {(): 1}, ENERGY: {("a",): 2}}))
    house.publish(snapshot({LOAD: {(): 3}}))
    assert exposition.body(TEXT).decode().splitlines() == [
        "# HELP x_energy_joules_total Energy.",
        "# TYPE x_energy_joules_total counter",
        'x_energy_joules_total{b="barn",plug="a"} 2.0',
        "# HELP x_load Load.",
        "# TYPE x_load gauge",
        'x_load{b="barn"} 1.0',
        "x_load 3.0",
    ]
    assert_same_bytes(exposition)


def test_two_instances_with_one_series_are_told_apart_or_refused():
    exposition = Exposition(FakeClock())
    first, second = exposition.source("barn", METRICS), exposition.source("house", METRICS)
    first.publish(snapshot({ENERGY: {("a",): 1}}))
    with pytest.raises(ReadingError, match=r'x_energy_joules_total\{plug="a"\} is already published by barn'):
        second.publish(snapshot({ENERGY: {("a",): 2}, LOAD: {(): 1}}))
    assert b"x_load" not in exposition.body(TEXT)
    second.publish(snapshot({ENERGY: {("b",): 2}}))
    assert_same_bytes(exposition)


def test_a_refused_run_is_refused_again_the_next_time():
    exposition = Exposition(FakeClock())
    first, second = exposition.source("barn", METRICS), exposition.source("house", METRICS)
    first.publish(snapshot({LOAD: {(): 1}}))
    clash = snapshot({LOAD: {(): 2}})
    for _ in range(2):
        with pytest.raises(ReadingError):
            second.publish(clash)


def test_a_refused_run_does_not_keep_the_readings_before_it_alive():
    clock = FakeClock()
    exposition = Exposition(clock)
    first, second = exposition.source("barn", METRICS), exposition.source("house", METRICS)
    first.publish(snapshot({LOAD: {(): 1}}))
    second.publish(snapshot({ENERGY: {("a",): 2}}), expires_at=clock.monotonic() + 10)
    with pytest.raises(ReadingError):
        second.publish(snapshot({LOAD: {(): 2}}), expires_at=clock.monotonic() + 100)
    clock.advance(10)
    assert b"x_energy" not in exposition.body(TEXT)


def test_one_name_declared_in_two_ways_is_refused_and_both_are_named():
    exposition = Exposition(FakeClock())
    exposition.source("barn", METRICS)
    with pytest.raises(DeclarationError, match=r"x_load.*house and barn"):
        exposition.source("house", [Gauge("x_load", "Something else.")])
    with pytest.raises(DeclarationError, match="x_power_watts_total"):
        exposition.source("house", [Counter("x_power_watts_total", "Family of the same name.", Unit.WATTS)])
    exposition.source("shed", [Gauge("x_load", "Load.")])


def test_a_closed_source_frees_its_names():
    exposition = Exposition(FakeClock())
    source = exposition.source("barn", METRICS)
    source.publish(snapshot({LOAD: {(): 1}}))
    source.close()
    source.close()
    assert exposition.body(TEXT) == b""
    exposition.source("house", [Gauge("x_load", "Something else.")])


def test_what_a_closed_source_publishes_is_lost():
    exposition = Exposition(FakeClock())
    source = exposition.source("barn", METRICS)
    source.close()
    source.publish(snapshot({LOAD: {(): 1}}))
    assert exposition.body(TEXT) == b""


def test_series_vanish_when_they_are_stale_and_come_back():
    clock = FakeClock()
    exposition = Exposition(clock)
    source = exposition.source("x", METRICS)
    readings = snapshot({LOAD: {(): 1}})
    source.publish(readings, expires_at=clock.monotonic() + 10)
    clock.advance(9.9)
    assert b"x_load 1.0" in exposition.body(TEXT)
    clock.advance(0.1)
    assert exposition.ready_bodies(TEXT)() is None
    assert exposition.body(TEXT) == b""
    assert exposition.body(OPENMETRICS) == b"# EOF\n"
    source.publish(readings, expires_at=clock.monotonic() + 10)
    assert b"x_load 1.0" in exposition.body(TEXT)


def test_the_body_is_made_once_until_something_is_published():
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    source.publish(snapshot({LOAD: {(): 1}}))
    assert exposition.ready_bodies(TEXT)() is None
    body = exposition.body(TEXT)
    assert exposition.body(TEXT) is body
    assert exposition.ready_bodies(TEXT)() is body
    source.publish(snapshot({LOAD: {(): 2}}))
    assert exposition.body(TEXT) != body


@pytest.mark.parametrize("runs", [1, 3])
def test_the_last_run_before_a_scrape_makes_its_body(runs):
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    for number in range(runs * 2):
        source.publish(snapshot({LOAD: {(): number}}))
        exposition.prepare()
        if number % runs == runs - 1:
            exposition.body(TEXT)
    ready = []
    for number in range(runs + 2):
        source.publish(snapshot({LOAD: {(): 100 + number}}))
        exposition.prepare()
        ready.append(exposition._makers[ExpositionFormat.TEXT, False].made[1])
    expected = generate_latest(exposition.registry).replace(str(100.0 + runs + 1).encode(), str(99.0 + runs).encode())
    assert ready[runs - 1 :] == [expected] * 3
    assert exposition.ready_bodies(TEXT)() is None
    assert expected not in ready[: runs - 1]


def test_no_run_makes_a_body_that_takes_long(monkeypatch):
    monkeypatch.setattr("collector_core.exposition.sources.SLOW_LINES", 0)
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    for number in range(3):
        source.publish(snapshot({LOAD: {(): number}}))
        exposition.prepare()
        assert exposition.ready_bodies(TEXT)() is None
        exposition.body(TEXT)


def test_gzip_holds_the_same_bytes():
    exposition = Exposition(FakeClock())
    exposition.source("x", METRICS).publish(snapshot({LOAD: {(): 1}}))
    encoding = negotiate("text/plain", "gzip, deflate")
    assert encoding.gzip
    assert gzip.decompress(exposition.body(encoding)) == exposition.body(TEXT)


@given(
    runs=st.lists(st.tuples(st.sampled_from(["big", "small", "other"]), st.integers(0, 900)), min_size=1, max_size=6),
    kind=st.sampled_from(["text/plain", "application/openmetrics-text; version=1.0.0"]),
)
def test_gzip_of_many_sources_is_one_member_with_the_bytes_of_the_plain_body(runs, kind):
    exposition = Exposition(FakeClock())
    sources = {name: exposition.source(name, [POWER, ENERGY], {"of": name}) for name in ("big", "small")}
    sources["other"] = exposition.source("other", [LOAD])
    for step, (name, count) in enumerate(runs):
        series = {LOAD: {(): step}} if name == "other" else {POWER: {(str(n), ""): n * step for n in range(count)}}
        sources[name].publish(snapshot(series))
        packed = exposition.body(negotiate(kind, "gzip"))
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        assert unpacker.decompress(packed) == exposition.body(negotiate(kind, ""))
        assert unpacker.eof
        assert not unpacker.unused_data


def test_gzip_shows_each_line_once_when_another_source_comes_to_share_a_metric():
    exposition = Exposition(FakeClock())
    encoding = negotiate("text/plain", "gzip")
    many = {POWER: {(str(number), ""): number for number in range(1000)}, ENERGY: {("a",): 1}}
    exposition.source("barn", [POWER, ENERGY]).publish(snapshot(many))
    exposition.body(encoding)
    exposition.source("house", [ENERGY]).publish(snapshot({ENERGY: {("b",): 1}}))
    assert gzip.decompress(exposition.body(encoding)) == exposition.body(TEXT)


def test_all_who_wait_for_a_body_get_the_same_one_even_if_something_is_published_meanwhile():
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    source.publish(snapshot({LOAD: {(): 1}}))
    with ThreadPoolExecutor(5) as pool:
        with exposition._makers[ExpositionFormat.TEXT, False].lock:
            waiting = [pool.submit(exposition.body, TEXT) for _ in range(5)]
            source.publish(snapshot({LOAD: {(): 2}}))
        assert len({id(each.result(60)) for each in waiting}) == 1
    assert waiting[0].result().endswith(b"x_load 2.0\n")


def test_a_foreign_collector_that_hangs_holds_no_publisher_up():
    exposition = Exposition(FakeClock())
    source = exposition.source("x", METRICS)
    asked, answer = threading.Event(), threading.Event()

    class Hanging(Broken):
        def collect(self):
            asked.set()
            answer.wait(60)
            return []

    exposition.registry.register(Hanging())
    with ThreadPoolExecutor(1) as pool:
        body = pool.submit(exposition.body, TEXT)
        assert asked.wait(60)
        source.publish(snapshot({LOAD: {(): 1}}))
        assert not body.done()
        answer.set()
        body.result(60)
    assert b"x_load 1.0" in exposition.body(TEXT)


@pytest.mark.parametrize(
    ("accept", "kind", "content_type"),
    [
        ("", ExpositionFormat.TEXT, "text/plain"),
        ("*/*", ExpositionFormat.TEXT, "text/plain"),
        ('text/plain;version="1.0.0"', ExpositionFormat.TEXT, "text/plain; version=1.0.0"),
        ("text/plain;version=one", ExpositionFormat.TEXT, "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.x, text/plain", ExpositionFormat.TEXT, "text/plain; version=0.0.4"),
        ('application/openmetrics-text; version="1.0.0"', ExpositionFormat.OPENMETRICS, "application/openm"),
        (f"application/openmetrics-text;version={'9' * 5000}", ExpositionFormat.TEXT, "text/plain; version=0.0.4"),
        ("text/html,application/xhtml+xml", ExpositionFormat.TEXT, "text/plain"),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1",
            ExpositionFormat.OPENMETRICS,
            "application/openm",
        ),
    ],
)
def test_the_format_is_negotiated(accept, kind, content_type):
    encoding = negotiate(accept, "")
    assert encoding.format is kind
    assert encoding.content_type.startswith(content_type)
    assert not encoding.gzip


class Broken:
    def describe(self):
        return []

    def collect(self):
        raise RuntimeError("no")


def test_foreign_collectors_join_the_registry_without_created_series(caplog):
    exposition = Exposition(FakeClock())
    exposition.source("x", METRICS).publish(snapshot({LOAD: {(): 1}}))
    counter = ClientCounter("foreign_things", "Things.", registry=CollectorRegistry())
    exposition.registry.register(counter)
    exposition.registry.register(broken := Broken())
    counter.inc()
    for encoding in (TEXT, OPENMETRICS):
        body = exposition.body(encoding).decode()
        assert "foreign_things_total 1.0" in body
        assert "x_load 1.0" in body
        assert "_created" not in body
    assert body.endswith("# EOF\n")
    assert caplog.text.count("Broken left out: RuntimeError: no") == 1
    counter.inc()
    assert b"foreign_things_total 2.0" in exposition.body(TEXT)
    exposition.registry.unregister(broken)
    exposition.registry.unregister(counter)
    assert b"foreign" not in exposition.body(TEXT)
    assert exposition.ready_bodies(TEXT)() is not None

"""Watched processes, leaks, and joules per unit of work."""

from __future__ import annotations

import logging
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import Counter, Published, Readings
from collector_plugins.workloads import metrics
from collector_plugins.workloads.config import Config
from collector_plugins.workloads.leak import LeakWatch, theil_sen
from tests.plugins.workloads.test_processes import Process

IDLE = {"cpu": 20.0, "dram": 5.0}
DONE = Counter("made_tokens_total", "Tokens.", labels=("model",))


def shown(started, metric, process="node"):
    return started.workloads.value(metric, process=process)


def geth(host, **options):
    process = Process(host, 100, "geth", "/system.slice/geth.service", resident=1 << 28, **options)
    host.make("/system.slice/geth.service")
    host.write("proc/100/io", "rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n")
    for number in range(3):
        host.write(f"proc/100/fd/{number}", "")
    return process


def test_the_series_have_the_names_that_people_query():
    watched = (
        metrics.PROCESS_MEMORY,
        metrics.PROCESS_THREADS,
        metrics.PROCESS_FILES,
        metrics.PROCESS_CPU,
        metrics.PROCESS_READ,
        metrics.PROCESS_WRITTEN,
        metrics.PROCESS_POWER,
        metrics.PROCESS_EXHAUSTED,
        metrics.WORK,
        metrics.WORK_INFO,
    )
    assert [each.name for each in watched] == [
        "workloads_process_resident_memory_bytes",
        "workloads_process_threads",
        "workloads_process_open_files",
        "workloads_process_cpu_seconds_total",
        "workloads_process_read_bytes_total",
        "workloads_process_written_bytes_total",
        "workloads_process_power_watts",
        "workloads_process_memory_exhausted_timestamp_seconds",
        "workloads_work_joules",
        "workloads_work_info",
    ]


@pytest.mark.parametrize("by", [{"match": "^geth$"}, {"unit": "geth.service"}])
def test_a_watched_process_shows_what_it_uses(site, host, by):
    process = geth(host)
    Process(host, 101, "bash", "/system.slice/ssh.service", resident=1 << 20)
    process.spend(100)
    started = site(idle_watts=IDLE, watch=[{"name": "node", **by}])
    host.spend("/system.slice/geth.service", 10)
    process.spend(5, reaped=2)
    host.write("proc/100/io", "read_bytes: 5096\nwrite_bytes: 8192\n")
    started.run()
    assert shown(started, metrics.PROCESS_MEMORY) == 1 << 28
    assert shown(started, metrics.PROCESS_THREADS) == 1
    assert shown(started, metrics.PROCESS_FILES) == 3
    assert shown(started, metrics.PROCESS_CPU) == pytest.approx(107)
    assert shown(started, metrics.PROCESS_READ) == 5096
    assert shown(started, metrics.PROCESS_WRITTEN) == 8192
    assert shown(started, metrics.PROCESS_POWER) == pytest.approx(80 * 7 / 10)
    assert shown(started, metrics.PROCESS_EXHAUSTED) is None


def test_what_may_not_be_read_is_absent(site, host):
    geth(host)
    (host.root / "proc/100/io").unlink()
    started = site(watch=[{"name": "node", "match": "geth"}])
    started.run()
    assert shown(started, metrics.PROCESS_READ) is None
    assert shown(started, metrics.PROCESS_MEMORY) == 1 << 28


def test_a_process_that_ends_takes_its_series_along(site, host):
    process = geth(host)
    started = site(watch=[{"name": "node", "match": "geth"}])
    started.run()
    for file in ("fd/0", "fd/1", "fd/2"):
        (host.root / f"proc/100/{file}").unlink()
    (host.root / "proc/100/fd").rmdir()
    process.end()
    started.run()
    assert started.workloads.series(metrics.PROCESS_MEMORY) == {}


def test_a_leak_is_said_once_with_the_time_at_which_memory_ends(site, host, caplog):
    process = geth(host)
    started = site(watch=[{"name": "node", "match": "geth"}], leak={"window": "10m"})
    with caplog.at_level(logging.WARNING):
        for _ in range(80):
            process.resident += 4096 * 1000
            process.write()
            started.run(10)
    rate = 4096 * 1000 / 10
    expected = started.clock.time() + (12 << 30) / rate
    assert shown(started, metrics.PROCESS_EXHAUSTED) == pytest.approx(expected, rel=1e-6)
    (said,) = [record.getMessage() for record in caplog.records if "leaks" in record.getMessage()]
    assert "1474.6 MB of memory per hour" in said
    assert [kind for kind, _ in started.workloads.events] == ["leak"]


def leak_of(sizes, window=600.0):
    watch = LeakWatch(window)
    for number, size in enumerate(sizes):
        watch.record(number * 10.0, size)
    return watch.bytes_per_second


def test_what_is_a_leak_and_what_is_none():
    steady = [1e8] * 70
    assert leak_of(steady) is None
    assert leak_of([1e8 + 100 * n for n in range(70)]) == pytest.approx(10)
    assert leak_of([1e8 + 100 * n + 300 * (n % 3) for n in range(70)]) == pytest.approx(10, rel=0.1)
    assert leak_of([1e8 + 1000 * (n % 20) for n in range(70)]) is None, "a saw-tooth"
    assert leak_of([1e8 + 1000 * (n % 50) for n in range(70)]) is None, "a long one"
    assert leak_of([1e8 + 1e5 * (1 - math.exp(-n / 8)) for n in range(70)]) is None, "a cache that fills"
    assert leak_of([1e8 - 100 * n for n in range(70)]) is None
    assert leak_of([1e8 + 100 * n for n in range(40)]) is None, "not long enough"


@given(st.integers(1, 30), st.integers(0, 30), st.floats(1e3, 1e9), st.integers(61, 90))
def test_no_saw_tooth_is_a_leak(period, phase, height, count):
    assert leak_of([1e8 + height * ((n + phase) % period) / period for n in range(count)]) is None


def test_the_slope_does_not_heed_a_few_points_that_are_off():
    points = [(float(x), 3.0 * x) for x in range(20)]
    points[4], points[17] = (4.0, 1e9), (17.0, -1e9)
    assert theil_sen(points) == pytest.approx(3.0)


class Tokens:
    """A collector that counts tokens, for `published`."""

    def __init__(self, **counts):
        self.counts = counts

    def published(self):
        out = Readings((DONE,), max_series=10)
        for model, count in self.counts.items():
            out.add(DONE, count, model=model)
        return [Published("made", {}, out.snapshot())]


@pytest.fixture
def working(site, host, monkeypatch):
    """A site whose plugin sees tokens, too."""

    def start(tokens, **options):
        host.make("/llm.service")
        started = site(idle_watts=IDLE, **options)
        energy = started.energy.published
        started.energy.published = lambda: [*energy(), *tokens.published()]
        started.workloads = started.start()
        started.workloads.run()
        return started

    return start


def test_joules_per_token_are_those_of_the_machine(working, host):
    tokens = Tokens(a=1000.0, b=50.0)
    started = working(tokens, work=[{"name": "tokens", "selector": "made_tokens_total"}])
    started.run()
    for _ in range(3):
        tokens.counts["a"] += 200
        tokens.counts["b"] += 40
        started.run()
    assert started.workloads.value(metrics.WORK, work="tokens") == pytest.approx(1200 / 240, rel=0.5)


def test_joules_per_token_of_a_workload(working, host):
    tokens = Tokens(a=0.0)
    selected = {"name": "tokens", "selector": "made_tokens_total", "workload": {"kind": "unit", "name": "llm.service"}}
    started = working(tokens, work=[selected], work_window="20s")
    for _ in range(6):
        tokens.counts["a"] += 200
        host.spend("/llm.service", 10)
        started.run()
    assert started.workloads.value(metrics.WORK, work="tokens") == pytest.approx(800 / 200)
    assert list(started.workloads.series(metrics.WORK_INFO)) == [("tokens", "unit", "llm.service")]


def test_without_work_there_is_no_cost_of_it(working):
    tokens = Tokens(a=5.0)
    started = working(tokens, work=[{"name": "tokens", "selector": "made_tokens_total"}])
    started.run()
    assert started.workloads.series(metrics.WORK) == {}


def test_a_counter_that_begins_anew_begins_the_window_anew(working):
    tokens = Tokens(a=1000.0)
    started = working(tokens, work=[{"name": "tokens", "selector": "made_tokens_total"}])
    tokens.counts["a"] = 2000.0
    started.run()
    tokens.counts["a"] = 10.0
    started.run()
    assert started.workloads.series(metrics.WORK) == {}
    tokens.counts["a"] = 110.0
    started.run()
    assert started.workloads.value(metrics.WORK, work="tokens") == pytest.approx(1200 / 100)


def test_a_series_that_comes_later_brings_no_work_that_was_done_before(working):
    tokens = Tokens(a=0.0)
    started = working(tokens, work=[{"name": "tokens", "selector": "made_tokens_total"}])
    started.run()
    tokens.counts |= {"a": 100.0, "b": 1e9}
    started.run()
    assert started.workloads.value(metrics.WORK, work="tokens") >= 10


@pytest.mark.parametrize(
    "options",
    [
        {"watch": [{"name": "a"}]},
        {"watch": [{"name": "a", "match": "x", "unit": "y.service"}]},
        {"watch": [{"name": "a", "match": "("}]},
        {"watch": [{"name": "a", "match": "x"}, {"name": "a", "match": "y"}]},
        {"work": [{"name": "a", "selector": "x{"}]},
        {"work": [{"name": "a", "selector": "x"}, {"name": "a", "selector": "y"}]},
        {"work": [{"name": "a", "selector": "x", "workload": {"kind": "thing", "name": "y"}}]},
        {"groups": [{"name": "a", "match": "*"}]},
        {"idle": "nobody"},
        {"runtimes": []},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        Config.model_validate(options)

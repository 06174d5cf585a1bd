"""Watts of the ledger over time: what is not known is a gap, and the total does not pretend."""

import json

import pytest

from collector_core import NotAvailable
from collector_core.testing import FakeClock, serve_routes
from collector_plugins.energy import FIX, Energy
from collector_plugins.energy.metrics import POWER
from collector_plugins.energy.page import _duration
from collector_plugins.energy.power_history import INTERVAL, WINDOW, PowerHistory, Sample, Total
from collector_plugins.energy.power_view import LATE, TOO_EARLY


class Bench:
    """A ledger over meters that go on at the watts that the test says."""

    def __init__(self, make, source, **options):
        self.sources, self.joules = {}, {}
        self.source = source
        self.harness = make(Energy, energy_meters=lambda: [each.meter for each in self.sources.values()], **options)

    def add(self, component, device="0", method="rapl", **more):
        self.sources[component, device] = self.source(component, device, method, **more)

    def step(self, *watts, seconds=INTERVAL):
        """One run for each of these: watts by meter; a meter that is left out has nothing new to say."""
        for powers in watts:
            for name, power in powers.items():
                self.joules[name] = self.joules.get(name, 0.0) + power * seconds
                self.sources[name].says(self.joules[name], self.harness.clock.monotonic() + seconds)
            self.harness.run(advance=seconds)

    def see(self):
        return self.harness.collector._power.data()

    def watts(self):
        return {name: each["watts"] for name, each in self.see()["components"].items()}

    def section(self):
        (section,) = self.harness.collector.collector_page_sections()
        return section

    def charts(self):
        return {chart.title: chart for chart in self.section().charts}


@pytest.fixture
def bench(collector_harness, source):
    return Bench(collector_harness, source)


def power(component, device="0"):
    return {"component": component, "device": device, "method": "rapl"}


def test_the_quarter_of_an_hour_before_a_restart_is_there(collector_harness, source, collector_history, eventually):
    clock = FakeClock()
    now = clock.time()
    collector_history.record(POWER, [(now - 2000, 99), (now - 300, 10), (now - 295, 12)], **power("cpu"))
    for device in ("0", "1"):
        collector_history.record(POWER, [(now - 300, 100), (now - 295, 50)], **power("gpu", device))
    collector_history.record(POWER, [(now - 300, 7)], source="other", **power("host"))
    bench = Bench(collector_harness, source, history=collector_history, clock=clock)
    bench.add(*CPU)
    bench.step({CPU: 0.0}, {CPU: 10.0})
    eventually(lambda: len(bench.see()["history"]["timestamps"]) == 4)
    seen = bench.see()["history"]
    assert seen["timestamps"] == [now - 300, now - 295, now + 5, now + 10]
    assert seen["watts"] == {"cpu": [10, 12, None, 10], "gpu": [200, 100, None, None]}
    assert seen["total_watts"][:2] == [210, 112]


CPU, RAM, GPU, GPU2 = ("cpu", "0"), ("dram", "0"), ("gpu", "0"), ("gpu", "1")


def test_watts_add_up_by_component_and_to_a_total(bench):
    for each in (CPU, GPU, GPU2):
        bench.add(*each)
    bench.step({CPU: 0.0, GPU: 0.0, GPU2: 0.0}, {CPU: 10.0, GPU: 100.0, GPU2: 50.0})
    seen = bench.see()
    assert bench.watts() == {"cpu": 10.0, "gpu": 150.0}
    assert (seen["total_watts"], seen["total_joules"], seen["reason"]) == (160.0, 800.0, None)
    assert seen["components"]["gpu"]["joules"] == 750.0


def test_a_meter_without_power_makes_its_component_and_the_total_unknown(bench):
    for each in (CPU, GPU):
        bench.add(*each)
    bench.step({CPU: 0.0, GPU: 0.0}, {CPU: 10.0, GPU: 100.0})
    bench.add(*GPU2)
    bench.step({CPU: 10.0, GPU: 100.0, GPU2: 5.0})
    seen = bench.see()
    assert bench.watts() == {"cpu": 10.0, "gpu": None}
    assert seen["total_watts"] is None
    assert seen["history"]["watts"]["gpu"] == [None, 100.0, None]
    assert seen["history"]["total_watts"] == [None, 110.0, None]


def test_what_no_longer_counts_is_a_gap_in_its_component_and_in_the_total(bench):
    bench.add(*CPU)
    bench.add(*RAM)
    bench.step({CPU: 0.0, RAM: 0.0}, {CPU: 10.0, RAM: 2.0})
    del bench.sources[RAM]
    bench.step({CPU: 10.0})
    assert bench.see()["history"]["total_watts"] == [None, 12.0, None]
    assert bench.see()["history"]["watts"]["dram"] == [None, 2.0, None]


def test_a_ledger_that_does_not_run_says_nothing_of_now(bench):
    bench.add(*CPU)
    bench.step({CPU: 0.0}, {CPU: 10.0})
    bench.harness.clock.advance(3 * INTERVAL + 1)
    seen = bench.see()
    assert seen["history"]["watts"]["cpu"] == [None, 10.0]
    assert (seen["total_watts"], seen["components"]["cpu"]["watts"], seen["total_joules"]) == (None, None, None)
    assert seen["reason"] == LATE


def test_no_more_than_a_quarter_of_an_hour_is_kept(bench):
    bench.add(*CPU)
    bench.step(*[{CPU: float(number)} for number in range(300)])
    times = bench.see()["history"]["timestamps"]
    assert len(times) == WINDOW / INTERVAL + 1
    assert times[0] >= bench.harness.clock.time() - WINDOW
    bench.harness.clock.advance(2 * WINDOW)
    assert bench.see()["history"]["timestamps"] == []


def test_a_ledger_that_runs_often_is_sampled_every_five_seconds():
    history = PowerHistory(interval=1.0)
    for second in range(3, 17):
        history.add(Sample(float(second), {}))
    assert [sample.time for sample in history.since(0.0)] == [3.0, 5.0, 10.0, 15.0]
    assert history.longest_step == 12.5
    assert PowerHistory(interval=60.0).longest_step == 150.0


def test_without_a_meter_the_reason_is_told_and_the_fix(bench):
    bench.step({})
    assert bench.see()["reason"] == TOO_EARLY
    with pytest.raises(NotAvailable):
        bench.step({})
    seen = bench.see()
    assert (seen["reason"], seen["fix"]) == ("no collector hands over an energy meter", FIX)
    assert (seen["components"], seen["total_watts"], seen["total_joules"]) == ({}, None, None)
    assert bench.section().charts == ()


def test_a_total_expects_what_was_there_before():
    total = Total()
    assert [total.of(watts) for watts in ({"cpu": 1.0}, {"cpu": 1.0, "gpu": None}, {"cpu": 1.0, "gpu": 2.0}, {})] == [
        1.0,
        None,
        3.0,
        None,
    ]


def test_a_component_that_vanished_is_missing_from_the_total_until_another_replaces_it():
    total = Total()
    seen = ({"cpu": 10.0, "dram": 2.0}, {"cpu": 10.0}, {"host": 20.0})
    assert [total.of(watts) for watts in seen] == [12.0, None, 20.0]


async def test_the_same_is_served_as_json(bench):
    bench.add(*CPU)
    routes = bench.harness.collector.collector_routes()
    async with serve_routes(routes) as session, session.get("/api/v1/power") as response:
        seen = json.loads(await response.text())
    assert (response.status, seen["reason"]) == (200, TOO_EARLY)
    assert list(seen) == [
        "time", "since_timestamp_seconds", "total_watts", "total_joules", "components", "history", "reason", "fix",
    ]  # fmt: skip
    assert list(seen["history"]) == ["window_seconds", "longest_step_seconds", "timestamps", "total_watts", "watts"]


# The section of the status page


def test_the_page_shows_the_total_and_each_component_with_its_energy(bench):
    for each in (CPU, RAM):
        bench.add(*each)
    bench.step({CPU: 0.0, RAM: 0.0}, *[{CPU: 720.0, RAM: 72.0}] * 12)
    charts = bench.charts()
    assert {title: (chart.values[-1], chart.note) for title, chart in charts.items()} == {
        "Total": (792.0, "13.2 Wh in 1 min"),
        "CPU": (720.0, "12 Wh"),
        "memory": (72.0, "1.20 Wh"),
    }
    assert [chart.wide for chart in charts.values()] == [True, False, False]
    assert charts["CPU"].times[-1] == bench.harness.clock.time()
    assert bench.section().text == ""


def test_unknown_power_is_none_and_never_0(bench):
    bench.add(*CPU)
    bench.step({CPU: 5.0})
    assert bench.section().text == TOO_EARLY
    assert [chart.values[-1] for chart in bench.section().charts] == [None, None]


def test_estimates_are_marked(bench):
    bench.add(*CPU, method="model")
    bench.step({CPU: 0.0}, {CPU: 72.0})
    for chart in bench.section().charts:
        assert (chart.tag, chart.approximate, chart.note[:2]) == ("estimate", True, "≈ ")


def test_the_head_of_the_page_links_to_the_json(bench):
    (link,) = bench.section().links
    assert (link.text, link.path) == ("power (JSON)", "/api/v1/power")


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (12 * 60, "12 min"), (12_000, "3 h 20 min"), (4 * 86400 + 7200, "4 d 2 h")]
)
def test_durations(seconds, text):
    assert _duration(seconds) == text

"""Watts of the ledger over time: what is not known is a gap, and the total does not pretend."""

import pytest

from collector_core import Collector, Counter, Gauge, Info, NotAvailable, Unit
from collector_core.engine.app import App
from collector_core.engine.power_history import INTERVAL, WINDOW, Total
from collector_core.testing import FakeClock
from collector_core.web import power_section as powersection
from collector_core.web import power_view as powerview

ACCOUNT = ("component", "device", "method")
POWER = Gauge("energy_power_watts", "Power.", Unit.WATTS, ACCOUNT)
ENERGY = Counter("energy_joules_total", "Energy.", Unit.JOULES, ACCOUNT)
METER = Info("energy_meter_info", "Meters.", (*ACCOUNT, "counts"))


class Bench:
    """An app with a ledger that shows what the test says: `watts[component, device]`, None where a meter has none."""

    def __init__(self, instance):
        bench = self
        self.watts, self.method, self.trouble = {}, "rapl", None
        self.clock = FakeClock()
        self.app = App(clock=self.clock)

        class Energy(Collector):
            """A ledger."""

            name, metrics = "energy", (POWER, ENERGY, METER)

            def collect(self, out):
                if bench.trouble:
                    raise bench.trouble
                for (component, device), watts in bench.watts.items():
                    labels = {"component": component, "device": device, "method": bench.method}
                    out.add(METER, **labels, counts="true")
                    out.add(ENERGY, 3600, **labels)
                    if watts is not None:
                        out.add(POWER, watts, **labels)

        self.cls = Energy
        self.instance = instance

    def add(self, name="energy"):
        """A ledger instead of the one before."""
        self.app.runners.clear()
        changes = {"interval": 5.0, "stale_after": 15.0, "labels": (("ledger", name),)}
        self.runner = self.app.add(self.instance(self.cls, name=name, **changes))

    def step(self, *watts, seconds=INTERVAL):
        """One run and one sample of each of these readings."""
        for each in watts:
            self.watts = each
            self.runner.run_now()
            self.app.power_history.tick(self.clock.monotonic())
            self.clock.advance(seconds)

    def see(self):
        return powerview.power(self.app)


@pytest.fixture
def bench(instance):
    made = Bench(instance)
    yield made
    made.app.stop(0.5)


CPU, RAM, GPU, GPU2 = ("cpu", "package-0"), ("dram", "package-0"), ("gpu", "0"), ("gpu", "1")


def test_watts_add_up_by_component_and_to_a_total(bench):
    bench.add()
    bench.step({CPU: 10.0, GPU: 100.0, GPU2: 50.0})
    seen = bench.see()
    assert {name: each["watts"] for name, each in seen["components"].items()} == {"cpu": 10.0, "gpu": 150.0}
    assert (seen["total_watts"], seen["total_joules"], seen["reason"]) == (160.0, 3 * 3600, None)
    assert seen["components"]["gpu"]["joules"] == 7200


def test_a_meter_without_power_makes_its_component_and_the_total_unknown(bench):
    bench.add()
    bench.step({CPU: 10.0, GPU: 100.0, GPU2: 50.0}, {CPU: 10.0, GPU: 100.0, GPU2: None})
    seen = bench.see()
    assert seen["components"]["cpu"]["watts"] == 10.0
    assert seen["components"]["gpu"]["watts"] is None
    assert seen["total_watts"] is None
    assert seen["history"]["watts"]["gpu"] == [150.0, None]
    assert seen["history"]["total_watts"] == [160.0, None]


def test_a_component_that_vanished_is_missing_from_the_total_until_another_replaces_it(bench):
    bench.add()
    bench.step({CPU: 10.0, RAM: 2.0}, {CPU: 10.0}, {("host", "plug"): 20.0})
    assert bench.see()["history"]["total_watts"] == [12.0, None, 20.0]


def test_watts_that_are_stale_are_a_gap(bench):
    bench.add()
    bench.step({CPU: 10.0})
    bench.clock.advance(60)
    bench.app.power_history.tick(bench.clock.monotonic())
    seen = bench.see()
    assert seen["history"]["watts"]["cpu"] == [10.0, None]
    assert (seen["total_watts"], seen["components"]["cpu"]["watts"]) == (None, None)


def test_no_more_than_a_quarter_of_an_hour_is_kept(bench):
    bench.add()
    bench.step(*[{CPU: float(number)} for number in range(400)])
    times = bench.see()["history"]["timestamps"]
    assert len(times) == WINDOW / INTERVAL
    assert times[0] >= bench.clock.time() - WINDOW
    bench.clock.advance(2 * WINDOW)
    assert bench.see()["history"]["timestamps"] == []


def test_samples_are_due_on_the_watchdogs_beat(bench):
    assert bench.app.power_history.tick(12.0) == 15.0
    assert bench.app.power_history.tick(15.0) == 20.0


def test_without_a_ledger_the_reason_is_told_and_the_fix(bench):
    seen = bench.see()
    assert "no energy ledger runs" in seen["reason"]
    assert "energy: {}" in seen["fix"]
    assert (seen["components"], seen["total_watts"], seen["since_timestamp_seconds"]) == ({}, None, None)
    assert "energy: {}" in powersection.section(seen)


def test_a_ledger_without_watts_says_its_own_reason_without_secrets(bench):
    bench.add()
    assert bench.see()["reason"] == powerview.TOO_EARLY
    bench.trouble = NotAvailable("not_found", "no meter at hunter2", fix="look at <hunter2>")
    bench.app.redactor.hide(["hunter2"])
    bench.runner.run_now()
    seen = bench.see()
    assert "no meter at <secret>" in seen["reason"]
    assert seen["fix"] == "look at <<secret>>"
    assert "look at &lt;&lt;secret&gt;&gt;" in powersection.section(seen)


def test_a_new_ledger_counts_from_its_own_start(bench):
    bench.add()
    bench.step({CPU: 1.0})
    first = bench.see()["since_timestamp_seconds"]
    bench.add("other")
    bench.step({CPU: 1.0})
    assert bench.see()["since_timestamp_seconds"] == first + INTERVAL


def test_a_total_expects_what_was_there_before():
    total = Total()
    assert [total.of(watts) for watts in ({"cpu": 1.0}, {"cpu": 1.0, "gpu": None}, {"cpu": 1.0, "gpu": 2.0}, {})] == [
        1.0,
        None,
        3.0,
        None,
    ]

"""Where flows end: in work that somebody counts, and in what conversion turns to heat."""

from __future__ import annotations

import platform

import pytest

from collector_core import Counter, Gauge, Info, Published, Readings, Unit
from collector_plugins.energy import metrics

HOST = platform.node()
CPU = f"component/{HOST}/cpu"
WORKLOADS = Counter(
    "w_joules_total", "W.", Unit.JOULES, ("kind", "name", "component"), topic="energy", of="workload", title="W"
)
WORK = Info("w_work_info", "W.", ("work", "kind", "name"), topic="made_with", of="work", title="W")


def watts(name, of, topic):
    return Gauge(f"{of}_{name}_watts", "W.", Unit.WATTS, ("device",), topic=topic, of=of, title="W")


CELLS = {
    name: watts(name, "battery", f"{name}_power") for name in ("input", "output", "charge", "discharge", "ac_input")
}
UPS_IN, UPS_OUT = watts("in", "ups", "input_power"), watts("out", "ups", "power")
UPS_CHARGE = Gauge("ups_c_ratio", "C.", Unit.RATIO, ("device",), topic="charge", of="ups", title="C")


def publish(*values):
    out = Readings(tuple(dict.fromkeys(metric for metric, _, _ in values)), max_series=100)
    for metric, value, labels in values:
        out.add(metric, value, **labels)
    return [Published("others", {}, out.snapshot())]


def flow(harness):
    return {ends: pytest.approx(watts) for ends, watts in harness.series(metrics.FLOW).items()}


@pytest.fixture
def work(ledger, source):
    """The flow of a machine of 100 W whose web server draws 30 and whose database draws 20, with this work."""

    def flow_with(*made):
        cpu = source("cpu", "package-0", "rapl")
        shown = []
        harness = ledger(cpu, published=lambda: shown)
        for seconds in (0.0, 5.0):
            cpu.says(100 * seconds, harness.clock.monotonic() + seconds)
            used = [
                (WORKLOADS, watts * seconds, {"kind": "unit", "name": name, "component": "cpu"})
                for name, watts in (("web", 30), ("db", 20))
            ]
            infos = [(WORK, None, dict(zip(("work", "kind", "name"), each, strict=True))) for each in made]
            shown[:] = publish(*used, *infos)
            harness.run(advance=seconds)
        return flow(harness)

    return flow_with


def test_a_workloads_watts_end_in_its_work(work):
    found = work(("requests", "unit", "web"))
    assert found[f"service/{HOST}/web", "work/requests"] == 30
    assert (f"service/{HOST}/db", "work/requests") not in found


def test_of_two_kinds_of_work_of_one_workload_one_has_the_node(work):
    found = work(("tokens", "unit", "web"), ("requests", "unit", "web"))
    assert {target for _, target in found if target.startswith("work/")} == {"work/requests"}


def test_the_machines_work_takes_all_that_has_no_other_end(work):
    found = work(("blocks", "", ""), ("requests", "unit", "web"))
    assert found[f"service/{HOST}/web", "work/requests"] == 30
    assert found[f"service/{HOST}/db", "work/blocks"] == 20
    assert found[CPU, "work/blocks"] == 50
    assert not any(target == f"unknown/{CPU}" for _, target in found)


def battery(**powers):
    return publish(*((CELLS[name], watts, {"device": "shed"}) for name, watts in powers.items()))


def site(harness):
    return sum(harness.series(metrics.SITE_POWER).values())


def test_what_a_battery_loses_is_named(run, source):
    shed = source("battery", "shed", "meter", feeds=("this",))
    cells = battery(input=0, output=90, charge=0, discharge=100)
    harness = run({shed: 90}, published=lambda: cells)
    assert flow(harness)["battery/shed", f"host/{HOST}"] == 90
    assert flow(harness)["battery/shed", "loss/battery/shed"] == 10
    assert harness.series(metrics.SITE_POWER)["loss", "battery/shed", ""] == pytest.approx(10)


@pytest.mark.parametrize("metered", [True, False])
def test_what_a_ups_loses_while_its_battery_is_full_is_named(run, source, metered):
    said = [(UPS_IN, 110, {"device": "rack"}), (UPS_OUT, 100, {"device": "rack"})]
    said.append((UPS_CHARGE, 1.0, {"device": "rack"}))
    meters = {source("ups", "rack", "meter"): 100} if metered else {source("plug", "lamp", "meter"): 0}
    harness = run(meters, published=lambda: publish(*said))
    assert flow(harness)["ups/rack", "loss/ups/rack"] == 10
    assert flow(harness)["ups/rack", "unknown/ups/rack"] == 100
    assert site(harness) == pytest.approx(110)


@pytest.mark.parametrize("about", ["plug", "solar"])
def test_what_an_inverter_loses_is_named(run, source, about):
    panels = watts(f"{about}_dc", about, "dc_power")
    told = publish((panels, 1040, {"device": "roof"}), (panels, 30, {"device": "not there"}))
    roof = source("solar", "roof", "meter", feeds=("this",))
    harness = run({roof: 1000, source("cpu", "package-0", "rapl"): 400}, published=lambda: told)
    assert flow(harness)["solar/roof", f"host/{HOST}"] == 1000
    assert flow(harness)["solar/roof", "loss/solar/roof"] == pytest.approx(40)
    assert site(harness) == pytest.approx(1040)


@pytest.mark.parametrize("dc", [0, 990])
def test_an_inverter_that_says_it_loses_nothing_is_believed(run, source, dc):
    told = publish((watts("dc", "solar", "dc_power"), dc, {"device": "roof"}))
    harness = run({source("solar", "roof", "meter", feeds=("this",)): 1000}, published=lambda: told)
    assert [target for _, target in flow(harness) if target.startswith("loss")] == []


def test_what_charges_the_battery_of_a_ups_is_no_loss(run, source):
    said = [(UPS_IN, 150, {"device": "rack"}), (UPS_CHARGE, 0.5, {"device": "rack"})]
    harness = run({source("ups", "rack", "meter"): 100}, published=lambda: publish(*said))
    assert flow(harness) == {("ups/rack", "unknown/ups/rack"): 100}
    assert site(harness) == pytest.approx(100)

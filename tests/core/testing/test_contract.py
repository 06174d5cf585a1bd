"""assert_plugin_contract refuses each breach of the contract, and needs no arguments but the class."""

import importlib
import os
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from collector_core import (
    Collector,
    CollectorConfig,
    Counter,
    DeclarationError,
    EnergyMeter,
    EnergyReading,
    Field,
    Gauge,
    NotAvailable,
    Unit,
    hookimpl,
)
from collector_core.testing import assert_plugin_contract

VALUE = Gauge("probe_value", "A number.")


class Good(Collector):
    """Keeps to it."""

    name, metrics = "probe", (VALUE,)

    def collect(self, out):
        out.add(VALUE, 1)


def test_a_good_plugin_passes_with_and_without_a_root(tmp_path):
    assert_plugin_contract(Good)
    assert_plugin_contract(Good, tmp_path)


def variant(**attributes):
    return type("Bad", (Good,), {"__doc__": "Breaks it.", "__module__": __name__, **attributes})


class Silent(CollectorConfig):
    host: str = "a"


class NeedsHost(CollectorConfig):
    host: str = Field(description="Where.")


def close_once(self):
    assert not hasattr(self, "closed"), "closed twice"
    self.closed = True


async def close_badly(self):
    raise KeyError("never opened")


@pytest.mark.parametrize(
    ("attributes", "error", "message"),
    [
        ({"metrics": [VALUE]}, DeclarationError, "must be a tuple"),
        ({"metrics": (Gauge("other_value", "A number."),)}, DeclarationError, "must start with probe_"),
        ({"__doc__": None}, AssertionError, "no docstring"),
        ({"config_type": Silent}, AssertionError, "option host has no description"),
        ({"detect": classmethod(lambda cls, ctx: False)}, AssertionError, "must return None or NotAvailable"),
        ({"detect": classmethod(lambda cls, ctx: NotAvailable("not_found"))}, AssertionError, "say what is missing"),
        ({"detect": classmethod(lambda cls, ctx: ctx.path("/x").stat())}, FileNotFoundError, "x"),
        ({"close": close_once}, AssertionError, "closed twice"),
        ({"close": close_badly}, KeyError, "never opened"),
    ],
)
def test_a_breach_is_named(attributes, error, message):
    with pytest.raises(error, match=message):
        assert_plugin_contract(variant(**attributes))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell what is open")
def test_a_constructor_that_opens_something_is_named():
    leaked = []

    def keep_open(self, config, ctx):
        leaked.append(os.open(os.devnull, os.O_RDONLY))

    with pytest.raises(AssertionError, match="do that in open"):
        assert_plugin_contract(variant(__init__=keep_open))
    os.close(leaked[0])


def test_without_its_required_options_a_plugin_is_not_constructed():
    def refuse(self, config, ctx):
        raise AssertionError("constructed")

    assert_plugin_contract(variant(config_type=NeedsHost, __init__=refuse))


class Plug(Collector):
    """A plug whose meter the test shapes."""

    name = "plug"
    metrics = (
        Gauge("plug_volts", "Voltage.", Unit.VOLTS),
        Gauge("plug_apparent_power_volt_amperes", "Apparent power.", "volt_amperes"),
        Counter("plug_energy_joules_total", "Energy.", Unit.JOULES),
    )

    def __init__(self, config, ctx):
        super().__init__(config, ctx)
        self.runs = 0

    def collect(self, out):
        self.runs += 1
        out.add(self.metrics[0], 230)

    def latest(self):
        return EnergyReading(5.4e6 + self.runs, self.ctx.clock.monotonic()) if self.runs else None

    def meters(self):
        return [EnergyMeter("greenhouse", "lamp", "clamp", 0.01, 1.0, self.latest, read=self.latest)]

    @hookimpl
    def collector_energy_meters(self):
        return self.meters()


def plug(**attributes):
    return type("Plug", (Plug,), {"__doc__": "A plug.", "__module__": __name__, **attributes})


def test_a_plug_of_somebody_else_with_units_and_words_of_its_own_passes():
    assert_plugin_contract(Plug)


def test_a_plug_that_finds_no_device_passes():
    def collect(self, out):
        raise NotAvailable("unreachable", "no plug answers")

    assert_plugin_contract(plug(collect=collect))


def reading(*numbers):
    """A meter's `latest` that says these joules, one after each run."""
    return lambda self: EnergyReading(numbers[min(self.runs, len(numbers) - 1)], self.ctx.clock.monotonic())


def meter(**changes):
    known = {"component": "plug", "device": "lamp", "method": "meter", "uncertainty": 0.1, "period": 1.0}
    return lambda self: [EnergyMeter(**known | changes, latest=self.latest, read=self.latest)]


def fail(self):
    raise OSError("the bus hangs")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"meters": fail}, r"collector_energy_meters\(\) raises OSError: the bus hangs"),
        ({"meters": lambda self: None}, r"collector_energy_meters\(\) raises TypeError: 'NoneType'"),
        ({"meters": lambda self: ["lamp"]}, r"collector_energy_meters\(\) must return energy meters, got \['lamp'\]"),
        ({"meters": meter(device="")}, "device"),
        ({"meters": meter(device=5)}, "device"),
        ({"meters": meter(device="x" * 2000)}, "device"),
        ({"meters": meter(component="Green House")}, "must be snake_case"),
        ({"meters": meter(method="kWh")}, "must be snake_case"),
        ({"meters": meter(uncertainty=-1)}, "uncertainty"),
        ({"meters": lambda self: [*Plug.meters(self), *Plug.meters(self)]}, r"greenhouse lamp \(clamp\) twice"),
        ({"latest": fail}, r"latest\(\) of greenhouse lamp \(clamp\) raises OSError: the bus hangs"),
        ({"latest": lambda self: 5.4e6}, "5400000.0 is not an EnergyReading"),
        ({"latest": reading(float("nan"))}, "is not an energy"),
        ({"latest": reading(-1.0)}, "is not an energy"),
        ({"latest": reading(0, 50, 20)}, r"greenhouse lamp \(clamp\) fell from .*joules=50.* to .*joules=20"),
        ({"latest": lambda self: EnergyReading(1.0, -self.runs)}, "fell from"),
        ({"latest": lambda self: EnergyReading(1.0, self.runs, -self.runs)}, "fell from"),
    ],
)
def test_a_meter_that_no_ledger_could_use_is_named(attributes, message):
    with pytest.raises(AssertionError, match=message):
        assert_plugin_contract(plug(**attributes))


@pytest.mark.parametrize("name", ["latest", "meters"])
def test_a_meter_that_blocks_is_named_with_the_line_where_it_does(name):
    gate = threading.Event()
    try:
        with pytest.raises(AssertionError, match=r"does not answer \(test_contract.py:\d+\)"):
            assert_plugin_contract(plug(**{name: lambda self: gate.wait() and None}))
    finally:
        gate.set()


def test_meters_are_looked_at_when_the_collector_is_closed_too():
    def close(self):
        self.latest = lambda: fail(self)

    with pytest.raises(AssertionError, match="the bus hangs"):
        assert_plugin_contract(plug(close=close))


MODULE = '''
from collector_core import Collector, Gauge

class Probe(Collector):
    """Reads."""
    name, metrics = "probe", (Gauge("probe_value", "A number."),)
    def collect(self, out):
        out.add(self.metrics[0], 1)
'''


@pytest.mark.parametrize("place", ["package/README.md", "README.md"])
def test_a_readme_that_has_drifted_is_named(tmp_path, monkeypatch, place):
    (tmp_path / "package").mkdir()
    (tmp_path / "package/probe_module.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "package"))
    monkeypatch.delitem(sys.modules, "probe_module", raising=False)
    cls = importlib.import_module("probe_module").Probe
    assert_plugin_contract(cls)
    (tmp_path / place).write_text("# probe\n\n<!-- metrics -->\n<!-- /metrics -->\n")
    with pytest.raises(AssertionError, match="run `energy-collector docs`"):
        assert_plugin_contract(cls)

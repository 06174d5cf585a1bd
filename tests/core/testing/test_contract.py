"""assert_plugin_contract refuses each breach of the contract, and needs no arguments but the class."""

import importlib
import os
import sys
import textwrap
from pathlib import Path

import pytest

from collector_core import Collector, CollectorConfig, DeclarationError, Field, Gauge, NotAvailable
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

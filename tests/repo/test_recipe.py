"""The plugin that plugins/README.md shows does what its text promises."""

import importlib.util
import re
import sys
from pathlib import Path

import aiohttp  # noqa: F401 - so that the first request needs no time to import it
import pytest

from collector_core.config.settings import Instance
from collector_core.engine.runner import Runner
from collector_core.engine.ticker import Watchdog
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock
from collector_core.testing import assert_plugin_contract
from tests.plugserver import PlugServer

README = Path(__file__).parents[2] / "plugins/README.md"
STATUS = {"id": 0, "apower": 42.5, "aenergy": {"total": 1000.0}}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The first block of Python with the plug, as the module that it is to be."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    file = tmp_path / "collector_shelly.py"
    file.write_text(next(block for block in blocks if '"shelly"' in block))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, file.stem, module)
    spec.loader.exec_module(module)
    return module


def test_the_recipe_keeps_the_contract(recipe):
    assert recipe.collector_types() == [recipe.Shelly]
    assert_plugin_contract(recipe.Shelly, options={"plugs": {"heater": "http://127.0.0.1:9"}})


def test_the_recipe_reads_a_plug(recipe, collector_harness):
    with PlugServer(STATUS) as plug:
        harness = collector_harness(recipe.Shelly, plugs={"heater": plug.url})
        harness.run()
    assert plug.paths == ["/rpc/Switch.GetStatus?id=0"]
    assert harness.value(recipe.POWER, plug="heater") == 42.5
    assert harness.value(recipe.ENERGY, plug="heater") == 3_600_000


@pytest.mark.parametrize("value", [{"apower": -1, "aenergy": {"total": -5}}, {"apower": 1}, [], {"aenergy": 1}, None])
def test_a_plug_that_answers_nonsense_costs_the_others_nothing(recipe, collector_harness, value):
    with PlugServer(STATUS) as good, PlugServer(value) as odd:
        harness = collector_harness(recipe.Shelly, plugs={"odd": odd.url, "good": good.url})
        harness.run()
    assert harness.series(recipe.POWER) == {("good",): 42.5}
    assert [part.name for part in harness.part_failures] == ["plug=odd"]


def test_two_plugs_that_hang_cost_the_third_neither_its_series_nor_its_freshness(recipe, eventually):
    cls, clock = recipe.Shelly, SystemClock()
    with PlugServer(STATUS) as good, PlugServer(hangs=True) as hung, PlugServer(hangs=True) as hung_too:
        options = cls.config_type(plugs={"a": hung.url, "b": good.url, "c": hung_too.url})
        instance = Instance("shelly", cls, options, 0.5, 2.0, 1.5, (), 100)
        runner = Runner(instance, instance.build(clock=clock, root=Path("/")), Exposition(clock), clock)
        watchdog = Watchdog(clock)
        watchdog.replace([runner])
        watchdog.start()
        runner.start()
        try:
            eventually(lambda: runner.health.runs["partial"] >= 4, seconds=30)
            assert dict(runner.last_report.snapshot.series(recipe.POWER)) == {("b",): 42.5}
        finally:
            runner.stop()
            watchdog.stop()
            assert runner.join(10)
    assert {result for result, count in runner.health.runs.items() if count} == {"partial"}
    assert len(good.paths) >= 4
    assert runner.health.part_failures >= 8

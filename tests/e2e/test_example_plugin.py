"""A distribution by somebody else: installed with pip, found by its entry point, scraped from end to end."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("example")
MODULE = Path(__file__).parents[1] / "example_plugin/collector_plug/__init__.py"
CONFIG = """
collectors:
  plug:
    interval: 200ms
    timeout: 2s
    options:
      plugs: {{heater: "{alive}", fridge: "{dead}", lamp: "{rude}"}}
"""
ID = 'collector="plug",plugin="plug"'


def test_it_takes_less_than_40_lines():
    assert len([line for line in MODULE.read_text().splitlines() if line.strip()]) < 40


def test_it_is_listed_and_keeps_the_contract(example_python, command, spawn):
    done = command("list", prefix=(example_python,))
    assert re.search(r"^plug +1\.2\.3 +collector-plug +2 metrics$", done.stdout, re.MULTILINE)
    contract = "from collector_core.testing import *; import collector_plug as p; assert_plugin_contract(p.Plug)"
    assert spawn(example_python, "-c", contract).process.wait(30) == 0


def test_where_it_is_not_installed_there_is_no_such_plugin(command, tmp_path):
    (tmp_path / "config.yaml").write_text("collectors: {plug: {}}")
    assert "there is no plugin named 'plug'" in command("check", "--config", tmp_path / "config.yaml").stderr


def test_one_plug_that_is_off_and_one_that_hangs_up_do_not_hide_the_third(
    example_python, collector, plug_server, free_port, eventually
):
    alive, rude = plug_server(), plug_server(hangs_up=True)
    config = CONFIG.format(alive=alive.url, rude=rude.url, dead=f"http://127.0.0.1:{free_port()}")
    program = collector(config, prefix=(example_python,))
    eventually(lambda: program.samples()[f'collector_runs_total{{{ID},result="partial"}}'] >= 4)
    samples = program.samples()
    assert samples['plug_power_watts{plug="heater"}'] == 42.5
    assert samples['plug_energy_joules_total{plug="heater"}'] == pytest.approx(3600 * alive.asked, abs=2 * 3600)
    assert {name for name in samples if name.startswith("plug_") and "heater" not in name} == set()
    assert samples[f"collector_up{{{ID}}}"] == 1
    assert samples[f"collector_part_failures_total{{{ID}}}"] >= 8
    (row,) = program.request("/api/v1/collectors").json["collectors"]
    assert "Connection refused" in row["failed_parts"]["plug=fridge"]
    assert "closed connection" in row["failed_parts"]["plug=lamp"]
    warnings = [line for line in program.lines if "WARNING" in line]
    assert [re.search(r"plug=\w+ fails: \w+", line)[0] for line in warnings] == [
        "plug=fridge fails: URLError",
        "plug=lamp fails: RemoteDisconnected",
    ]
    assert program.stop() == 0

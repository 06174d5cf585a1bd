"""A plugin in words of its own, from `check` to the page, without an edit anywhere else."""

from pathlib import Path

import pytest

GREENHOUSE = Path(__file__).parents[1] / "third_party/greenhouse.py"
CONFIG = "collectors:\n  greenhouse: {interval: 200ms}\n  energy: {interval: 200ms}\n  performance: {interval: 500ms}\n"


@pytest.fixture
def program(collector, plugin_path, eventually):
    program = collector(CONFIG, env=plugin_path(greenhouse=GREENHOUSE.read_text()))
    eventually(lambda: "energy_meter_info" in program.request("/metrics").text)
    return program


def test_its_units_its_meters_and_its_titles_are_shown(program, eventually):
    text = program.request("/metrics", Accept="application/openmetrics-text; version=1.0.0").text
    assert "# UNIT greenhouse_apparent_power_volt_amperes volt_amperes" in text
    assert "# UNIT greenhouse_light_lux lux" in text
    assert 'energy_meter_info{component="greenhouse",counts="false",device="lamps",method="clamp"} 1.0' in text
    page = program.request("/collectors").text
    assert "Power of the greenhouse<span> greenhouse_power_watts{plug=lamps}</span>" in page
    assert "greenhouse_apparent_power_volt_amperes<span>{plug=lamps}</span>" in page, "no title, so its name"
    shown = program.request("/api/v1/snapshot").json["collectors"]["greenhouse"]["greenhouse_power_watts"]
    assert (shown["topic"], shown["of"], shown["title"]) == ("power", "greenhouse", "Power of the greenhouse")
    current = "/api/v1/performance/current"
    eventually(lambda: "greenhouse" in program.request(current).json)
    assert program.request(current).json["greenhouse"]["power_watts"] == {"lamps": 40, "fan": 12}


def test_check_accepts_it(command, plugin_path, tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = command("check", "--config", tmp_path / "config.yaml", env=plugin_path(greenhouse=GREENHOUSE.read_text()))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("unit", "remedy"),
    [("percent", "use ratio"), ("kwh", "use joules"), ("Lux", "must be snake_case"), ("volt amperes", "snake_case")],
)
def test_a_unit_that_is_not_one_is_refused_with_a_message(command, plugin_path, tmp_path, unit, remedy):
    code = GREENHOUSE.read_text().replace('"lux"', f'"{unit}"')
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = command("check", "--config", tmp_path / "config.yaml", env=plugin_path(greenhouse=code))
    assert done.returncode == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr

"""The quality checklist of plugins/README.md, for every bundled plugin; the other rows are in the tests it names."""

import logging
import re
from pathlib import Path

import pytest

from collector_core import Context
from collector_core.plugins import documentation
from collector_core.plugins.discovery import discover
from collector_core.testing import cases

ROOT = Path(__file__).parents[2]
PLUGINS = {
    plugin.name: plugin for plugin in discover().all if plugin.distribution == "energy-collector" and plugin.types
}
UNITS_OF_QUANTITIES = frozenset({"watts", "joules", "celsius", "ratio"})
DIAGNOSTICS = frozenset(
    {
        "nvidia_gpu_energy_integral_joules_total",
        "nvidia_gpu_energy_disagreement_ratio",
        "sites_forecast_peak_watts",
        "sites_forecast_power_watts",
        "sites_promised_renewable_ratio",
        "sites_renewable_ratio",
    }
)
UNIT_OF_TOPIC = {
    "power": "watts",
    "energy": "joules",
    "temperature": "celsius",
    "charge": "ratio",
    "load": "ratio",
    "latency": "seconds",
    "frequency": "hertz",
    "used": "bytes",
    "available": "bytes",
    "size": "bytes",
    "emissions": "grams",
    "voltage": "volts",
    "current": "amperes",
}
SECTIONS = ("## Options", "## Metrics", "## When something is missing")

every_plugin = pytest.mark.parametrize("name", PLUGINS)


def collector(name):
    return next(cls for cls in PLUGINS[name].types if cls.name == name)


def readme(name):
    return (ROOT / "plugins" / name / "README.md").read_text(encoding="utf-8")


def folder_of_tests(name):
    return ROOT / "tests/plugins" / name


def golden_texts(name):
    return [case.expected.read_text(encoding="utf-8") for case in cases(folder_of_tests(name) / "testcases")]


@every_plugin
def test_the_readme_answers_what_users_ask(name):
    text = readme(name)
    assert [section for section in SECTIONS if f"\n{section}\n" not in text] == []
    first = text.split("\n\n")[1]
    assert first[0].isupper()
    assert re.search(rf"^collectors:\n  {name}:", text, re.MULTILINE), "an example of its configuration"


@every_plugin
def test_the_tables_of_the_readme_come_from_the_declarations(name):
    tables = documentation.readme_tables(collector(name))
    for table in tables:
        assert f"<!-- {table} -->" in readme(name)
    assert documentation.fill(readme(name), tables) == readme(name)


@every_plugin
def test_on_a_machine_without_anything_it_says_what_to_do(name, tmp_path):
    answer = collector(name).detect(Context(name=name, logger=logging.getLogger(name), root=tmp_path))
    assert answer is None or (answer.detail and answer.fix)


@every_plugin
def test_it_has_cases_named_after_devices_or_situations(name):
    assert len(golden_texts(name)) >= 3


@every_plugin
def test_every_metric_occurs_in_its_tests(name):
    written = "\n".join(file.read_text(encoding="utf-8") for file in folder_of_tests(name).rglob("*.py"))
    text = "\n".join([written, *golden_texts(name)])
    assert [each.name for each in collector(name).metrics if not re.search(rf"\b{each.name}\b", text)] == []


@every_plugin
def test_quantities_say_what_they_are_about(name):
    """Watts, joules, degrees and ratios do, but for what tells how good a figure is, or what is expected."""
    quantities = [each for each in collector(name).metrics if each.unit in UNITS_OF_QUANTITIES]
    silent = [each.name for each in quantities if not (each.topic and each.of and each.title)]
    assert set(silent) <= DIAGNOSTICS
    assert [
        each.name for each in collector(name).metrics if UNIT_OF_TOPIC.get(each.topic, each.unit) != each.unit
    ] == []


@every_plugin
def test_a_case_shows_what_a_failing_part_costs(name):
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "plugins" / name).rglob("*.py"))
    failed = [text for text in golden_texts(name) if text.startswith("# failed:")]
    assert failed or ".part(" not in source
    assert all(re.search(r"^[a-z]", text, re.MULTILINE) for text in failed), "the other parts go on"


def test_every_claim_of_the_checklist_names_a_test_that_exists():
    (table,) = re.findall(
        r"^\| claim \|.*?(?=\n\n|\Z)", (ROOT / "plugins/README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    rows = table.strip().splitlines()[2:]
    named = [re.findall(r"`(test_\w+)\.py::(test_\w+)`", row) for row in rows]
    assert all(named), "a claim without a test"
    for file, test in (each for row in named for each in row):
        assert f"\ndef {test}(" in (ROOT / f"tests/repo/{file}.py").read_text(), test
    own = set(re.findall(r"^def (test_\w+)\(name", Path(__file__).read_text(), re.MULTILINE))
    assert own <= {test for row in named for _, test in row}

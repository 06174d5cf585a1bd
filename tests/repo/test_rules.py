"""Rules and examples: promtool takes them, each rule is seen at work and quiet, and they name metrics that exist."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import declared, promql

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "prometheus"
RECORD = re.compile(r"[a-z_]+:[a-z_]+:[a-z0-9]+")  # level:metric:operation, as Prometheus' guide asks

every_file = pytest.mark.parametrize("file", declared.RULES, ids=lambda file: file.stem)


def run(program, *arguments):
    path = shutil.which(program)
    if path is None:
        message = f"{program} is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def trials_of(file):
    return FOLDER / "tests" / file.name


def rules(file):
    return [rule for _, rule in declared.rules([file])]


@every_file
def test_promtool_takes_the_rules(file):
    run("promtool", "check", "rules", file)


@every_file
def test_they_give_what_they_should_and_only_then(file):
    run("promtool", "test", "rules", trials_of(file))


@every_file
def test_every_alert_is_tested_firing_and_quiet(file):
    tried = {}
    for test in yaml.safe_load(trials_of(file).read_text())["tests"]:
        for each in test.get("alert_rule_test", ()):
            tried.setdefault(each["alertname"], set()).add(bool(each.get("exp_alerts")))
    assert {rule["alert"] for rule in rules(file) if "alert" in rule} == set(tried)
    assert {name for name, seen in tried.items() if seen != {True, False}} == set()


@every_file
def test_every_record_is_tested_with_and_without_its_source(file):
    tried = {}
    for test in yaml.safe_load(trials_of(file).read_text())["tests"]:
        for each in test.get("promql_expr_test", ()):
            for name in promql.metrics_in(each["expr"]):
                tried.setdefault(name, set()).add(bool(each["exp_samples"]))
    records = {rule["record"] for rule in rules(file) if "record" in rule}
    assert {name for name in records if tried.get(name) != {True, False}} == set()


@every_file
def test_every_rule_says_what_its_reader_needs(file):
    for rule in rules(file):
        if "record" in rule:
            assert RECORD.fullmatch(rule["record"]), rule
            continue
        assert re.fullmatch(r"([A-Z][a-z]+)+", rule["alert"]), rule
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}, rule
        assert all(len(text) > 20 for text in rule["annotations"].values()), rule


def test_names_of_rules_are_taken_once():
    names = [rule.get("record") or rule["alert"] for _, rule in declared.rules()]
    assert sorted(names) == sorted(set(names))


def test_a_rule_says_when_anything_is_down():
    """Collectors, nodes, GPU hosts, model servers, targets, outputs, the history: all with a metric named `…_up`."""
    availability = {name for name in declared.of_the_collector() if name.endswith("_up")}
    watched = {name for _, rule in declared.rules() if "alert" in rule for name in promql.metrics_in(rule["expr"])}
    assert len(availability) >= 8
    assert availability - watched == set()


def wrong(known):
    """What rules name and nobody declares: in their expressions, and in the queries and labels of their texts."""
    for file, rule in declared.rules():
        name = rule.get("record") or rule["alert"]
        for problem in promql.problems_of(rule["expr"], known):
            yield f"{file.name}: {name}: {problem}"
        text = " ".join(rule.get("annotations", {}).values())
        for query in re.findall(r'(?:printf|query) "([^"]+)"', text):
            yield from (f"{file.name}: {name}: {each}" for each in promql.problems_of(query, known))
        labels = promql.labels_of(rule["expr"], known)
        named = set(re.findall(r"\$labels\.(\w+)", text))
        yield from (f"{file.name}: {name}: no label is called {each}" for each in sorted(named - labels))


def test_they_name_metrics_and_labels_that_exist():
    found = list(wrong(declared.everything()))
    assert found == [], "\n".join(found)


def test_a_metric_that_is_renamed_is_named_with_its_rule():
    known = declared.everything()
    del known["nvidia_gpu_temperature_celsius"]
    known["solix_grid_connected"] = frozenset()
    assert list(wrong(known)) == [
        "nvidia.yaml: GpuHot: no metric is called nvidia_gpu_temperature_celsius",
        "nvidia.yaml: GpuHot: no label is called gpu",
        "nvidia.yaml: GpuHot: no label is called host",
        "solix.yaml: SolixGridOutage: no label is called name",
    ]


def test_promtool_takes_the_example_and_finds_the_rules():
    run("promtool", "check", "config", FOLDER / "prometheus.example.yml")


def test_amtool_takes_the_example():
    run("amtool", "check-config", FOLDER / "alertmanager.example.yml")


def test_alertmanager_is_told_of_alerts_that_exist():
    text = (FOLDER / "alertmanager.example.yml").read_text()
    named = set(re.findall(r'alertname!?="(\w+)"', text))
    assert named <= {rule.get("alert") for _, rule in declared.rules()}

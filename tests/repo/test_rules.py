"""Alert rules: promtool takes them, every alert is seen firing and quiet, and they name metrics that exist."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from collector_core.discovery import discover

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yaml"))

every_file = pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)


def promtool(*arguments):
    program = shutil.which("promtool")
    if program is None:
        message = "promtool is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def trials_of(file):
    return file.parents[1] / "tests" / file.name


def rules(file):
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


@every_file
def test_promtool_takes_the_rules(file):
    promtool("check", "rules", file)


@every_file
def test_they_fire_when_they_should_and_only_then(file):
    promtool("test", "rules", trials_of(file))


@every_file
def test_every_alert_is_tested_firing_and_quiet(file):
    tried = {}
    for test in yaml.safe_load(trials_of(file).read_text())["tests"]:
        for each in test["alert_rule_test"]:
            tried.setdefault(each["alertname"], set()).add(bool(each.get("exp_alerts")))
    assert {rule["alert"] for rule in rules(file) if "alert" in rule} == set(tried)
    assert {name for name, seen in tried.items() if seen != {True, False}} == set()


@every_file
def test_they_name_metrics_that_exist(file):
    known = {metric.name for cls in discover().types.values() for metric in cls.metrics}
    for rule in rules(file):
        text = rule["expr"] + " ".join(rule.get("annotations", {}).values())
        named = set(re.findall(rf"\b{file.stem}_[a-z_]+", text))
        assert named, rule
        assert named <= known, rule

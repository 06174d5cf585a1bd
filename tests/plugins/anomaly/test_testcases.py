"""What is published of a machine to which something happens, as files."""

import re
from pathlib import Path

import pytest

from collector_core.testing import cases


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, machine, collector_golden):
    """`story.txt` tells it: a line is a number of days, then what changes from then on."""
    found = machine(**case.options)
    for line in (case.folder / "root/story.txt").read_text().splitlines():
        days, _, change = line.partition(" ")
        found.days(float(days))
        name, _, value = change.partition("=")
        happens(found.system, name, value)
    told = [f"# {each.severity} {each.type}: {each.description}\n" for each in found.records()]
    shown = re.sub(r"(?m)^(anomaly_(?:score|predicted)_\w+\{.*\}) \S+$", r"\1 …", found.anomaly.exposition())
    collector_golden.check("".join(told) + shown, case.expected)


def happens(system, name, value):
    if name in ("load", "errors"):
        setattr(system, name, float(value))
    elif name:
        metric = next(each for each in system.metrics if each.name == name)
        system.changes[metric] = None if value == "gone" else float(value)

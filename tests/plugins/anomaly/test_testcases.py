"""What is published of a machine to which something happens, as files."""

import re
from pathlib import Path

import pytest

from collector_core.testing import cases


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, machine, learnt_machine, collector_golden):
    """`story.txt` tells it: a line is a number of days, then what changes from then on.

    `learnt` stands for six quiet days before the plugin was restarted.
    """
    story = [line.partition(" ") for line in (case.folder / "root/story.txt").read_text().splitlines()]
    found = (learnt_machine if story[0][0] == "learnt" else machine)(**case.options)
    for days, _, change in story:
        found.days(0 if days == "learnt" else float(days))
        name, _, value = change.partition("=")
        apply_change(found, name, value)
    begun = [f"# {each.severity} {each.type}: {each.description}\n" for each in found.incidents()]
    shown = re.sub(r"(?m)^(anomaly_(?:score|predicted)_\w+\{.*\}) \S+$", r"\1 …", found.anomaly.exposition())
    collector_golden.check("".join(begun) + shown, case.expected)


def apply_change(found, name, value):
    if name in ("load", "errors"):
        setattr(found.host, name, float(value))
    elif name:
        metric = next(each for each in found.host.now if each.name == name)
        found.host.change(metric, None if value == "gone" else float(value))

"""Every tree in testcases/ gives exactly its expected.prom; `*` stands for a value of the machine the test runs on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector_plugins.system import System

CASES = sorted(path.parent for path in Path(__file__).parent.glob("testcases/*/expected.prom"))
NOT_EVERYWHERE = {"system_filesystem_inodes", "system_filesystem_inodes_available"}  # btrfs has none
OF_THIS_MACHINE = "system_filesystem_"


def test_there_are_cases() -> None:
    assert len(CASES) >= 4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tree_gives_what_is_expected(case: Path, machine_at: Callable[..., Any]) -> None:
    options = case / "options.json"
    run = machine_at(case / "root", json.loads(options.read_text()) if options.exists() else {}).run()
    assert exposition(run) == (case / "expected.prom").read_text()


def exposition(run: Any) -> str:
    labels_of = {metric.name: metric.labels for metric in System.metrics}
    lines = [f"# failed: {failure}" for failure in run.failed]
    for name, series in run.series.items():
        if name in NOT_EVERYWHERE:
            continue
        for key, value in series.items():
            labels = ",".join(f'{label}="{text}"' for label, text in zip(labels_of[name], key, strict=True))
            lines.append(f"{name}{{{labels}}} {'*' if name.startswith(OF_THIS_MACHINE) else f'{value:.15g}'}")
    return "".join(f"{line}\n" for line in lines)

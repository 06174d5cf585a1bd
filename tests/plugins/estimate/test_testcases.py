"""Every folder in testcases/ gives exactly its expected.prom, and in meters.txt what the ledger would get."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from collector_core import NotAvailable
from collector_core.testing import Case, Harness, cases, run_case
from collector_plugins.estimate import Estimate

every_case = pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
SUSPENDED = {"laptop-after-a-suspend": 3000.0}


@every_case
def test_a_machine_is_known_for_what_it_is(case: Case, collector_golden: Any) -> None:
    collector_golden.check(run_case(Estimate, case, advance=SUSPENDED.get(str(case))), case.expected)


@every_case
def test_a_machine_gets_its_watts(case: Case, collector_golden: Any, tmp_path: Path) -> None:
    harness = Harness(Estimate, tmp_path, **case.options)
    seconds = SUSPENDED.get(str(case), harness.context.interval)
    with contextlib.closing(harness):
        for tree in case.trees:
            shutil.copytree(tree, tmp_path, symlinks=True, dirs_exist_ok=True)
            with contextlib.suppress(NotAvailable):
                harness.run(advance=seconds)
        collector_golden.check(_meters(harness.collector, seconds), case.folder / "meters.txt")


def _meters(collector: Any, seconds: float) -> str:
    lines = []
    for meter in collector.collector_energy_meters():
        joules = meter.latest().joules
        lines.append(f"{meter.name}: {joules:.2f} J, {joules / seconds:.2f} W, ± {meter.uncertainty:.0%}\n")
    return "".join(lines)

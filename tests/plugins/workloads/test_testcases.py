"""Machines as they are found: their control groups, and what the plugin makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from collector_core import Published, Readings
from collector_core.testing import cases, run_case
from collector_plugins.energy import metrics as energy
from collector_plugins.workloads import Workloads


class Recorded(Workloads):
    """Takes its joules from `ledger.json` of the case."""

    def __init__(self, config, ctx):
        def published():
            out = Readings((energy.ENERGY,), max_series=10)
            for component, joules in json.loads((ctx.root / "ledger.json").read_text()).items():
                out.add(energy.ENERGY, joules, component=component, device="0", method="rapl")
            return [Published("energy", {}, out.snapshot())]

        super().__init__(config, replace(ctx, published=published))


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(Recorded, case), case.expected)

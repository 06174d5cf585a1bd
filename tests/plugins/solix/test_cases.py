"""Recorded accounts, one folder each."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from tests.plugins.solix.recorded import RecordedSolix

CYCLES_TO_REST = 600.0  # seconds


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(RecordedSolix, case, advance=CYCLES_TO_REST), case.expected)

"""Every folder in testcases/ gives exactly its expected.prom."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from tests.plugins.federation.recorded import RecordedFederation


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(RecordedFederation, case), case.expected)

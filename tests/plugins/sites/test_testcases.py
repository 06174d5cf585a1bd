"""What is published before any site is registered."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.sites import Sites


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden, state):
    collector_golden.check(run_case(Sites, case), case.expected)

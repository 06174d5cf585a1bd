"""Every case in testcases/ gives exactly its expected.prom; its programs print what those of macOS do."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.macos import MacOs


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(MacOs, case), case.expected)

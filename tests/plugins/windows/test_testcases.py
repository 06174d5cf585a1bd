"""Every case in testcases/ gives exactly its expected.prom; its PowerShell prints what that of Windows does."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.windows import Windows


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(Windows, case), case.expected)

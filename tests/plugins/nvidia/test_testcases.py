"""What each machine's nvidia-smi says, and what is published of it."""

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.nvidia import Nvidia


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(Nvidia, case), case.expected)

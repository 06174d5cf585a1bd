"""Virtual machines as they are found: what their hosts share, and what the plugin makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.guest import Guest


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    collector_golden.check(run_case(Guest, case), case.expected)

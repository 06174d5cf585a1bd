"""Every case in testcases/ gives exactly its expected.prom; `*` stands for a value of the machine the test runs on."""

import re
from pathlib import Path

import pytest

from collector_core.testing import cases, run_case
from collector_plugins.system import System

NOT_EVERYWHERE = re.compile(r"^(# \w+ )?system_filesystem_inodes.*\n", re.MULTILINE)  # btrfs has none
OF_THIS_MACHINE = re.compile(r"^(system_filesystem_.*) \S+$", re.MULTILINE)


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, collector_golden):
    text = NOT_EVERYWHERE.sub("", run_case(System, case))
    collector_golden.check(OF_THIS_MACHINE.sub(r"\1 *", text), case.expected)

"""What rapl reads of each machine, and what the ledger makes of it."""

import platform
from pathlib import Path
from shutil import copytree

import pytest

from collector_core import NotAvailable
from collector_core.testing import cases


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, machine, tmp_path, collector_golden):
    found = machine(tmp_path / "root", **case.options)
    for number, tree in enumerate(case.trees):
        copytree(tree, tmp_path / "root", symlinks=True, dirs_exist_ok=True)
        found.clock.advance(1.0 if number else 0.0)
        found.run()
    text = found.energy.exposition() if found.energy.collector._ledger.joules else said(found)
    collector_golden.check(text.replace(f'host="{platform.node()}"', 'host="this"'), case.expected)


def said(machine):
    with pytest.raises(NotAvailable) as raised:
        machine.energy.run()
    return f"# not available: {raised.value.reason}: {raised.value.detail}\n# fix: {raised.value.fix}\n"

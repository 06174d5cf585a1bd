"""Every folder in testcases/ gives exactly its expected.prom."""

import os
import shutil
from pathlib import Path

import pytest

from collector_core.testing import Harness, cases
from collector_plugins.textfile import Textfile

MTIME = 1_700_000_000.5


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_folder_gives_what_is_expected(case, tmp_path, collector_golden):
    folder = shutil.copytree(case.folder / "root", tmp_path / "root", symlinks=True)
    for file in folder.rglob("*"):
        os.utime(file, (MTIME, MTIME), follow_symlinks=False)
    harness = Harness(Textfile, directories=[str(folder)])
    harness.run()
    failures = "".join(f"# failed: {failure.name}: {failure.error}\n" for failure in harness.part_failures)
    harness.close()
    collector_golden.check((failures + harness.exposition()).replace(str(folder), "DIR"), case.expected)

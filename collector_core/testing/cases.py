"""Test cases as folders: a tree of files that stands for a machine, and what a collector should say of it.

testcases/<real device or situation>/
    root/           the machine: /proc, /sys, … as far as the collector looks; programs in root/usr/bin are found first
    root.2/         optional: files that change before the second run (root.3/: before the third, …)
    options.yaml    optional: the collector's options
    expected.prom   what the last run gives; written by `pytest --update-golden`
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector_core.collector import Collector
from collector_core.config import yamlfile
from collector_core.errors import AuthFailed, NotAvailable
from collector_core.testing.harness import Harness


@dataclass(frozen=True)
class Case:
    """One folder below `testcases`."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.name

    @property
    def expected(self) -> Path:
        """The file that says what the last run should give."""
        return self.folder / "expected.prom"

    @property
    def trees(self) -> list[Path]:
        """`root`, then `root.2`, `root.3`, … in the order in which they are laid over it."""
        later = [path for path in self.folder.glob("root.*") if path.suffix[1:].isdigit()]
        return [self.folder / "root", *sorted(later, key=lambda path: int(path.suffix[1:]))]

    @property
    def options(self) -> dict[str, Any]:
        """What `options.yaml` says; nothing where there is none."""
        file = self.folder / "options.yaml"
        return (yamlfile.load(file).data or {}) if file.exists() else {}


def cases(folder: Path) -> list[Case]:
    """Every case in `folder`, by name; raises `ValueError` when there is none, so that no test passes by finding none.

    Made for `@pytest.mark.parametrize("case", cases(…), ids=str)`.
    """
    found = sorted(path.parent for path in folder.glob("*/root") if path.is_dir())
    if not found:
        raise ValueError(f"there is no case in {folder}: a case is a folder with a folder `root`")
    return [Case(path) for path in found]


def run_case(cls: type[Collector[Any]], case: Case, *, advance: float | None = None) -> str:
    """Run a collector on a copy of the case's tree, once per `root…` folder; returns what the last run gives.

    That is its exposition, with a comment for every part that failed, or for the reason why there is nothing.
    `advance` seconds, by default the collector's interval, pass before each further run.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        harness = Harness(cls, root, **case.options)
        with contextlib.closing(harness), _path_begins_with(root / "usr/bin"):
            text = ""
            for number, tree in enumerate(case.trees):
                shutil.copytree(tree, root, symlinks=True, dirs_exist_ok=True)
                text = _run(harness, (advance or harness.context.interval) if number else 0.0)
        return text.replace(str(root), "")


@contextlib.contextmanager
def _path_begins_with(folder: Path) -> Iterator[None]:
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _run(harness: Harness, advance: float) -> str:
    try:
        harness.run(advance=advance)
    except (NotAvailable, AuthFailed) as error:
        return "".join(f"# {line}\n" for line in _explanation(error))
    failures = [f"# failed: {part.name}: {type(part.error).__name__}\n" for part in harness.part_failures]
    return "".join(failures) + harness.exposition()


def _explanation(error: NotAvailable | AuthFailed) -> Iterator[str]:
    reason = f"not available: {error.reason}" if isinstance(error, NotAvailable) else "refused"
    yield f"{reason}: {error.detail}"
    if error.fix:
        yield f"fix: {error.fix}"

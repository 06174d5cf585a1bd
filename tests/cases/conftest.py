"""Recorded inputs with the right answer, where somebody has them beside the checkout: an extra, never needed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture
def case() -> Callable[[str], Path]:
    """Give the folder of one case, as `hw/NAME` or `svc/NAME`; skips the test where there is none."""

    def folder(name: str) -> Path:
        found = CASES / name
        if not found.is_dir():
            pytest.skip(f"no case {name}: {CASES.name}/ is not beside the checkout")
        return found

    return folder


@pytest.fixture
def case_root(case: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Give a writable copy of a case's `root/`; links, which the cases keep as files of one path, are links again."""

    def copy(name: str) -> Path:
        root = tmp_path / "root"
        copy_tree(case(name) / "root", root)
        return root

    return copy


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder over another one, with files that only say `../…` as links."""
    for path in sorted(source.rglob("*")):
        copied = target / path.relative_to(source)
        if path.is_dir():
            copied.mkdir(parents=True, exist_ok=True)
        elif path.stat().st_size < 200 and path.read_bytes().startswith(b"../"):
            copied.unlink(missing_ok=True)
            copied.symlink_to(path.read_text().strip())
        else:
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)

"""Recorded inputs with the right answer, where somebody has them beside the checkout: an extra, never needed."""

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

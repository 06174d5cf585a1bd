"""pytest fixtures and options for plugins, there wherever energy-collector is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collector_core.testing.golden import Golden
    from collector_core.testing.harness import Harness
    from collector_core.testing.recorded_history import RecordedHistory

# pytest loads this module in every project, so it imports the kit only where a test asks for it.


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --update-golden` writes golden files anew; look at the difference before you commit it."""
    group = parser.getgroup("energy-collector")
    group.addoption("--update-golden", action="store_true", help="write golden files anew")


@pytest.fixture
def collector_harness() -> Iterator[Callable[..., Harness]]:
    """Makes `Harness` objects and closes them after the test: `collector_harness(Rapl, root)`."""
    from collector_core.testing.harness import Harness  # noqa: PLC0415

    made: list[Harness] = []

    def make(*args: Any, **options: Any) -> Harness:
        made.append(Harness(*args, **options))
        return made[-1]

    yield make
    for harness in made:
        harness.close()


@pytest.fixture
def collector_history(tmp_path: Path) -> Iterator[RecordedHistory]:
    """A history to record in, for `Harness(history=collector_history)`."""
    from collector_core.testing.recorded_history import RecordedHistory  # noqa: PLC0415

    with closing(RecordedHistory(tmp_path / "history")) as history:
        yield history


@pytest.fixture
def collector_golden(request: pytest.FixtureRequest) -> Golden:
    """Compares with golden files: `collector_golden.check(text, path)`."""
    from collector_core.testing.golden import Golden  # noqa: PLC0415

    return Golden(update=request.config.getoption("--update-golden"))

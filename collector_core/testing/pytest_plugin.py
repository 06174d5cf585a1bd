"""pytest fixtures for plugins, there wherever energy-collector is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collector_core.testing.harness import Harness


@pytest.fixture
def collector_harness() -> Iterator[Callable[..., Harness]]:
    """Makes `Harness` objects and closes them after the test: `collector_harness(Rapl, root)`."""
    from collector_core.testing.harness import Harness  # noqa: PLC0415 - pytest loads this module in every project

    made: list[Harness] = []

    def make(*args: Any, **options: Any) -> Harness:
        made.append(Harness(*args, **options))
        return made[-1]

    yield make
    for harness in made:
        harness.close()

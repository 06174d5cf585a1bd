"""Fixtures that all tests share."""

import logging
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("untimed")


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """For tests that run commands within this process: a command sets up all logging anew."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Waits, bounded, until a condition of another thread or process holds; returns its value."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> object:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.005)
        raise AssertionError(f"did not happen within {seconds} s")

    return wait

"""Fixtures that all tests share."""

import gc
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from collector_core import _speed
from tests.certificates import Authority, Certificate
from tests.kafka import kafka  # noqa: F401 - a fixture
from tests.postgres import postgres, postgres_server, proxy  # noqa: F401 - fixtures
from tests.scheduling import LoadFileOrGroupScheduling

PATIENCE = 60.0  # seconds

# No deadline: a busy machine is no fault of the code. One seed: a failure then comes from the change that is tested.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)  # `make explore`
settings.load_profile("fixed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileOrGroupScheduling | None:
    """Servers that a file's tests share are started once, instead of once by each worker."""
    return LoadFileOrGroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two for each CPU, because many tests wait for a program."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives until the end: it is not searched for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a busy machine can disturb is tried once more; the summary lists it (`RERUN`), so that it is not lost."""
    for item in items:
        if item.get_closest_marker("real_time") or item.nodeid.startswith("tests/e2e/"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that runs within this process sets up all logging anew: the next test must not notice."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], object]:
    """Waits until a condition of another thread or process holds; returns its value.

    The bound only ends a test that would fail: it is no claim about speed, which a busy machine could refute.
    """

    def wait(condition: Callable[[], object], seconds: float = PATIENCE) -> object:
        start = time.monotonic()
        while (waited := time.monotonic() - start) < seconds:
            value = condition()
            if value:
                return value
            time.sleep(min(max(0.005, waited / 20), 0.05))  # what takes long is not asked so often: that takes CPU, too
        raise AssertionError(f"did not happen within {seconds} s")

    return wait


@pytest.fixture(scope="module", params=["compiled", "in_python"])
def speed_path(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything that the compiled part may do runs once with it, and once in Python."""
    if request.param == "compiled" and _speed.problem:
        pytest.skip(f"the compiled part does not run: {_speed.problem}")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "in_python":
            for name in _speed.FUNCTIONS:
                patch.setattr(_speed, name, None)
        yield request.param


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A self-signed certificate for localhost."""
    return Authority(tmp_path).itself

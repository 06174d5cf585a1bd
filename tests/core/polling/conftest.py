"""A collector's context with a clock that the test moves."""

import logging

import pytest

from collector_core import Context, Gauge, Readings
from collector_core.testing import FakeClock

VALUE = Gauge("probe_value", "Value.", labels=("target",))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def context(clock):
    """Makes one; a run comes each second and may take 50."""

    def make(**changes):
        given = {"interval": 1.0, "timeout": 50.0} | changes
        return Context(name="probe", logger=logging.getLogger("test"), clock=clock, **given)

    return make


@pytest.fixture
def readings():
    return lambda: Readings((VALUE,), max_series=100)

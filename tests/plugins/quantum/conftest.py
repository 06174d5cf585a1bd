"""A collector whose clocks tick at every look, so that what it measures takes as long everywhere."""

from __future__ import annotations

import pytest

from collector_plugins.quantum import Quantum
from collector_plugins.quantum.measurement import measure


class Ticks:
    """A clock that moves by 1/1024 s whenever somebody looks: exact in binary."""

    def __init__(self):
        self.looks = 0

    def __call__(self):
        self.looks += 1
        return self.looks / 1024


class TickingQuantum(Quantum):
    """Does all of the work, and reckons with the clock that ticks."""

    def measure(self):
        return measure(self.config, self.ctx, Ticks(), Ticks())


@pytest.fixture
def quantum(collector_harness, tmp_path):
    """Makes a harness on an empty machine: `quantum(**options)`."""
    return lambda **options: collector_harness(TickingQuantum, tmp_path, **options)

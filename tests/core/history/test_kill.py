"""A process that is killed at any moment loses nothing that it said was durable, and leaves nothing half written."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from collector_core.history.interface import EVER
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR
from tests.core.history.conftest import STEPS

ROOT = Path(__file__).parents[3]
KILLS = 10  # of one store
STORES = 30 if settings.default.max_examples > 100 else 1  # `make explore` kills 300 times
WRITER = "tests.core.history.writer_to_kill"


def write_until_killed(folder, count):
    """Returns the number of the last reading that was durable."""
    command = [sys.executable, "-m", WRITER, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        rest = process.stdout.read().splitlines()
    whole = [line for line in [*lines, *rest[:-1]] if line.strip()]
    return int(whole[-1])


@pytest.mark.hypothesis
@pytest.mark.parametrize("number", range(STORES))
def test_no_kill_loses_or_halves_anything(tmp_path, number):
    folder = tmp_path / "history"
    chance = random.Random(os.urandom(8) if number else 1)
    for _ in range(KILLS):
        durable = write_until_killed(folder, chance.randint(1, 40))
        store = Store(folder, STEPS)
        store.open()
        assert store.damaged() == []
        ((number, _),) = store.catalogue
        points = list(store.read(number, 0, EVER))
        assert [point.value for point in points] == list(range(1, len(points) + 1))
        assert len(points) >= durable
        assert len(store.events(0, EVER)) == len(points)
        summed = sum(each.rise for time, each in store.summaries.read(number, HOUR, 0, EVER))
        assert summed == sum(point.rise for point in points if point.time < store.mark("summed"))
        store.close()
    assert list(folder.glob("*.corrupt-*")) == []

"""Rows with a daily wave, and models that were trained on them."""

import math
from random import Random

import pytest

from collector_plugins.anomaly.forecast.linear_model import LinearModel
from collector_plugins.anomaly.forecast.training import train_series

CPU = "system_cpu_usage_ratio"
ROW = 300.0
START = 1_700_006_400.0


def daily_rows(count=2000, seed=1, row=ROW):
    """A day's wave with noise, by time."""
    random = Random(seed)
    times = [START + row * number for number in range(count)]
    return {time: 0.3 + 0.2 * math.sin(2 * math.pi * time / 86_400) + random.gauss(0, 0.05) for time in times}


@pytest.fixture
def rows():
    return daily_rows


@pytest.fixture(scope="session")
def trained():
    return train_series(CPU, daily_rows(), ROW)


@pytest.fixture(scope="session")
def model(trained):
    return LinearModel(ROW, {CPU: trained.weights})

"""The section of the status page."""

import pytest

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistorySample
from collector_core.history.page import power_section
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.series import Series
from tests.core.history.conftest import NOON, kept


def power(component):
    labels = {"component": component, "device": "0", "method": "rapl"}
    series = Series(
        "books_watts" + label_text(labels), "books_watts", labels, "gauge", "watts", "", "books", "power", "host"
    )
    return KeptSeries(series, "books", 30_000)


def test_power_of_the_machine_is_the_sum_of_what_counts(store):
    store.append(
        [
            HistorySample(series, NOON - 2 * HOUR + each * 10_000, watts, 0.0)
            for each in range(500)
            for series, watts in ((power("cpu"), 10.0), (power("gpu"), 30.5), (kept(), 999.0))
        ]
    )
    store.seal(NOON)
    day, month = power_section(store, NOON).charts
    assert set(day.values) == {40.5}
    assert set(month.values) == {40.5}
    assert len(day.times) == 6
    assert day.window == pytest.approx(86_400)


def test_without_power_there_is_no_section(store):
    store.append([HistorySample(kept(), NOON, 1.0, 0.0)])
    assert power_section(store, NOON) is None

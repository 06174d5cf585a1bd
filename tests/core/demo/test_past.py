"""The demo's yesterday: what plugins compute is in the history as if it had been recorded, once."""

import pytest

from collector_core import Counter, Gauge, Unit
from collector_core.demo.past import STEP, fill
from collector_core.history.energy import energy_of
from collector_core.history.interface import EVER
from collector_core.history.options import HistoryOptions
from collector_core.history.stores import command_store
from collector_plugins.energy.demo_past import past

NOW = 1_795_000_000
DAY = 86_400


@pytest.fixture
def store(tmp_path):
    store = command_store(HistoryOptions(path=tmp_path))
    store.open()
    yield store
    store.close()


def test_a_gauge_and_the_rises_of_a_counter_are_kept_and_later_only_what_is_missing(store):
    power = Gauge("lamp_power_watts", "Power.", Unit.WATTS, topic="power", of="host")
    energy = Counter("lamp_energy_joules_total", "Energy.", Unit.JOULES, topic="energy", of="host")
    asked = []

    def lamps(times):
        asked.append(times)
        yield power, {}, [10.0] * len(times)
        yield energy, {}, [10.0 * STEP] * len(times)

    fill(store, NOW, {"lamp": lamps})
    fill(store, NOW + 60, {"lamp": lamps})
    fill(store, NOW + 4 * STEP, {"lamp": lamps})
    assert [len(times) for times in asked][1:] == [4]
    kept = {each.series.text: (number, each) for number, each in store.catalogue}
    number, series = kept['lamp_energy_joules_total{demo="true"}']
    found = store.read(number, 0, EVER)
    assert series.plugin == "lamp"
    assert set(found.rises) == {10.0 * STEP}
    assert list(found.times) == [1000 * when for times in asked for when in times]


def test_the_ledger_of_the_rack_says_what_yesterday_took_and_cost(store):
    fill(store, NOW, {"energy": past})
    total = energy_of(store, (NOW - DAY) * 1000, NOW * 1000, "component")["total"]
    assert 5 < total["kwh"] < 15
    assert total["cost"] == pytest.approx(total["kwh"] * 0.32 * 1.25, rel=0.01)
    assert total["grams"] == pytest.approx(total["kwh"] * 381 * 1.25, rel=0.1)
    assert total["covered_seconds"] > 0.9 * DAY

"""The energy of any period adds up, and so do its cost and its emissions."""

import random
from itertools import pairwise

import pytest

from collector_core.history.blocks import DAY
from collector_core.history.catalogue import KeptSeries
from collector_core.history.energy import BY, energy_of
from collector_core.history.interface import EVER, Event, HistorySample
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.series import Series
from tests.core.history.conftest import MINUTE, NOON


def account(topic, source="books", **labels):
    name = f"books_{topic}_total"
    series = Series(name + label_text(labels), name, labels, "counter", "", "", source, topic, "host")
    return KeptSeries(series, "books", 30_000)


CPU = account("energy", component="cpu", device="0", method="rapl")
GPU = account("energy", component="gpu", device="1", method="nvml")
COST = account("cost", currency="EUR")
CPU_GRAMS = account("emissions", component="cpu")
GPU_GRAMS = account("emissions", component="gpu")

ACCOUNTS = (CPU, GPU, account("energy", component="gpu", device="2", method="nvml"))
OTHERS = (COST, CPU_GRAMS, GPU_GRAMS)
AMOUNTS = (0.0, 0.0, 0.5, 3.25, 7.0)  # energy may cost although there is none


def write(store, start, count, price, **amounts):
    """`count` readings every 10 s, each with the rise that is given."""
    series = {"cpu": CPU, "gpu": GPU}
    for each in range(count):
        time = start + each * 10_000
        rows = [HistorySample(series[name], time, amount * (each + 1), amount) for name, amount in amounts.items()]
        joules = sum(amounts.values())
        rows.append(HistorySample(COST, time, price * joules * (each + 1), price * joules))
        rows += [
            HistorySample(grams, time, 2 * amounts[name] * (each + 1), 2 * amounts[name])
            for name, grams in (("cpu", CPU_GRAMS), ("gpu", GPU_GRAMS))
            if name in amounts
        ]
        store.append(rows)


def test_rows_add_up_to_the_total_and_cost_is_that_of_the_time(store):
    write(store, NOON, 100, 0.25, cpu=10.0, gpu=30.0)
    write(store, NOON + DAY, 100, 0.5, cpu=10.0)
    found = energy_of(store, 0, EVER, "component")
    total = found["total"]
    assert total["joules"] == 5000
    assert total["kwh"] == pytest.approx(5000 / 3.6e6)
    assert total["cost"] == pytest.approx(100 * 40 * 0.25 + 100 * 10 * 0.5)
    assert total["grams"] == pytest.approx(2 * 5000)
    assert total["covered_seconds"] == 2 * 990
    cpu, gpu = sorted(found["rows"], key=lambda row: row["component"])
    assert (cpu["joules"], gpu["joules"]) == (2000, 3000)
    assert cpu["cost"] == pytest.approx(250 + 500)
    assert gpu["cost"] == pytest.approx(750)
    assert gpu["grams"] == pytest.approx(6000)
    assert (cpu["covered_seconds"], gpu["covered_seconds"]) == (1980, 990)


@pytest.mark.parametrize("sealed", [False, True])
def test_periods_next_to_each_other_add_up_to_the_whole(store, sealed):
    write(store, NOON, 1000, 0.25, cpu=0.001, gpu=7.123)
    if sealed:
        store.seal(NOON + DAY)
    borders = [0, NOON + 123_457, NOON + 20 * MINUTE, NOON + HOUR, NOON + HOUR + 1, EVER]
    parts = [energy_of(store, start, end, "device")["total"] for start, end in pairwise(borders)]
    whole = energy_of(store, 0, EVER, "device")["total"]
    for name in ("joules", "cost", "grams", "covered_seconds"):
        assert sum(part[name] for part in parts) == pytest.approx(whole[name], rel=1e-12)
    assert whole["joules"] == 7124


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("sealed", [False, True])
def test_cost_and_emissions_of_each_moment_are_shared_out_by_energy(embedded, by, sealed):
    chance = random.Random(7)
    expected = dict[str, list[float]]()
    for hour in range(200):
        rises = {each: chance.choice(AMOUNTS) for each in (*ACCOUNTS, *OTHERS) if chance.random() < 0.7}
        embedded.append([HistorySample(each, NOON + hour * HOUR, rise, rise) for each, rise in rises.items()])
        joules = {each: rises[each] for each in ACCOUNTS if each in rises}
        for each, amount in joules.items():
            labels = each.series.labels
            alike = [other for other in joules if other.series.labels["component"] == labels["component"]]
            grams = rises.get({"cpu": CPU_GRAMS, "gpu": GPU_GRAMS}[labels["component"]], 0.0)
            row = expected.setdefault(labels[by], [0.0, 0.0, 0.0])
            row[0] += amount
            row[1] += rises.get(COST, 0.0) * share(amount, joules.values())
            row[2] += grams * share(amount, [joules[other] for other in alike])
    if sealed:
        embedded.seal(NOON + 150 * HOUR)
    found = energy_of(embedded, 0, EVER, by)
    for row in found["rows"]:
        assert [row["joules"], row["cost"], row["grams"]] == pytest.approx(expected.pop(row[by]))
    assert not expected


def share(part, amounts):
    return part / sum(amounts) if sum(amounts) else 1 / len(amounts)


def test_downtime_is_not_covered(store):
    write(store, NOON, 10, 0.25, cpu=1.0)
    store.append([], [Event(NOON + 100_000, "start", "", "")])
    write(store, NOON + 105_000, 10, 0.25, cpu=1.0)
    assert energy_of(store, 0, EVER, "method")["total"]["covered_seconds"] == 180


def test_without_prices_there_is_no_cost(store):
    store.append([HistorySample(CPU, NOON, 5.0, 5.0)])
    found = energy_of(store, 0, EVER, "component")
    assert found["total"]["cost"] is None
    assert found["rows"][0]["grams"] is None
    assert found["total"]["joules"] == 5


def test_without_a_ledger_there_is_no_energy(store):
    found = energy_of(store, 0, EVER, "component")
    assert found == {
        "total": {"joules": 0, "kwh": 0, "cost": None, "grams": None, "covered_seconds": 0},
        "rows": [],
    }


def test_of_two_ledgers_the_one_with_the_plugin_s_name_counts(store):
    other = account("energy", source="another", component="cpu", device="0", method="rapl", site="b")
    store.append([HistorySample(CPU, NOON, 5.0, 5.0), HistorySample(other, NOON, 50.0, 50.0)])
    assert energy_of(store, 0, EVER, "component")["total"]["joules"] == 5

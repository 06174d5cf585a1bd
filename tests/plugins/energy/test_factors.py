"""The price and carbon intensity of the grid: used while they are known, paid out where they are negative."""

from __future__ import annotations

import logging

import pytest

from collector_core import Gauge, Published, Readings
from collector_plugins.energy import Energy, metrics

KWH = 3.6e6
GRID_PRICE = Gauge("market_price", "Price.", labels=("provider", "zone", "currency"), topic="price", of="grid")
GRID_CARBON = Gauge("market_carbon", "Carbon.", labels=("provider", "zone"), topic="carbon_intensity", of="grid")


@pytest.fixture
def bill(collector_harness, source):
    """Runs of 1 kWh each, at the price and carbon intensity that the test sets; None is nobody who tells."""
    cpu = source("cpu", "package-0", "rapl")

    def published():
        out = Readings((GRID_PRICE, GRID_CARBON), max_series=9)
        out.add_row((GRID_PRICE,), (made.price,), provider="market", zone="DE", currency="EUR")
        out.add_row((GRID_CARBON,), (made.grams,), provider="market", zone="DE")
        return [Published("grid", {}, out.snapshot())]

    made = collector_harness(
        Energy,
        energy_meters=lambda: [cpu.meter],
        published=published,
        price_per_kwh=0.4,
        currency="CHF",
        carbon_intensity=400,
    )
    made.price = made.grams = None
    joules = [0.0]

    def use(price=None, grams=None):
        made.price, made.grams = price, grams
        cpu.says(joules[0], made.clock.monotonic() + 5)
        joules[0] += KWH
        made.run(advance=5)

    made.use = use
    use()
    return made


def test_the_price_of_the_moment_counts_and_the_configured_one_where_nobody_tells(bill):
    bill.use(price=0.1)
    assert bill.series(metrics.PRICE) == {("EUR", "market"): 0.1}
    bill.use(price=0.3)
    bill.use()
    assert bill.series(metrics.PRICE) == {("CHF", "configured"): 0.4}
    assert bill.series(metrics.COST) == {("EUR",): pytest.approx(0.4), ("CHF",): pytest.approx(0.4)}


def test_what_a_negative_price_pays_is_counted_apart_so_that_no_counter_falls(bill):
    bill.use(price=0.1)
    bill.use(price=-0.02)
    assert bill.value(metrics.COST, currency="EUR") == pytest.approx(0.1)
    assert bill.series(metrics.CREDIT) == {("EUR",): pytest.approx(0.02)}
    assert 'energy_credit_total{currency="EUR"} 0.02' in bill.exposition()
    assert 'energy_site_credit_total{currency="EUR"} 0.02' in bill.exposition()


def test_the_carbon_intensity_of_the_hour_counts(bill):
    bill.use(grams=100.0)
    assert bill.series(metrics.INTENSITY) == {("DE", "market"): 100}
    bill.use()
    assert bill.series(metrics.INTENSITY) == {("", "configured"): 400}
    assert bill.value(metrics.EMISSIONS, component="cpu") == pytest.approx(500)


def test_it_is_said_once_whose_factors_count(bill, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(3):
        bill.use(price=0.1)
    for _ in range(3):
        bill.use()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the price is that of market now, no longer that of configured",
        "the price is that of configured now, no longer that of market",
    ]

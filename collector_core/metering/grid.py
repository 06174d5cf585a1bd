"""What electricity from the grid emits and costs now: declared here, published by those who know, read by all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector_core.metering.intensity import Intensity
from collector_core.model.metrics import Gauge, Metric
from collector_core.model.published import Published

GRID_CARBON = Gauge(
    "grid_carbon_grams_per_kwh",
    "CO2 equivalent per kWh of the grid's electricity now, as its provider says.",
    labels=("provider", "zone"),
    topic="carbon_intensity",
    of="grid",
    title="Carbon intensity of the grid",
)
GRID_PRICE = Gauge(
    "grid_price_per_kwh",
    "Price per kWh now, with the taxes and fees that are configured; negative where one is paid for using it.",
    labels=("provider", "zone", "currency"),
    topic="price",
    of="grid",
    title="Price of electricity",
)


class Price(NamedTuple):
    """What a kWh costs, in a currency by ISO 4217, where that holds and who says so."""

    per_kwh: float
    currency: str
    zone: str
    source: str


def carbon_now(published: Iterable[Published], zone: str | None = None) -> Intensity | None:
    """The carbon intensity that the first provider (of a zone) tells; None where nobody does."""
    told = _told(published, GRID_CARBON, zone)
    return next((Intensity(grams, where, provider) for (provider, where), grams in told), None)


def price_now(published: Iterable[Published], zone: str | None = None) -> Price | None:
    """The price that the first provider (of a zone) tells; None where nobody does."""
    told = _told(published, GRID_PRICE, zone)
    return next((Price(price, currency, where, provider) for (provider, where, currency), price in told), None)


def _told(published: Iterable[Published], metric: Metric, zone: str | None) -> Iterator[tuple[tuple[str, ...], float]]:
    for source in published:
        for labels, value in source.snapshot.series(metric):
            if zone is None or labels[1] == zone:
                yield labels, value

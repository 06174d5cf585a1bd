"""What electricity from the grid emits and costs now, as whoever knows it publishes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from collector_core.metering.intensity import Intensity
from collector_core.model.published import Published
from collector_core.model.series import Series
from collector_core.model.topics import TopicSelector

GRID = "grid"


class Price(NamedTuple):
    """What a kWh costs, in a currency by ISO 4217, where that holds and who says so."""

    per_kwh: float
    currency: str
    zone: str
    source: str


class GridFactors:
    """Reads the series about `price` and `carbon_intensity` of the `grid`: per kWh, in grams and in `currency`.

    Their labels `zone`, `currency` and `provider` say what they hold for and who says so; the first one counts. Not for
    several threads at once.
    """

    def __init__(self) -> None:
        self._carbon = TopicSelector("carbon_intensity", of=GRID)
        self._price = TopicSelector("price", of=GRID)

    def carbon(self, published: Iterable[Published], zone: str | None = None) -> Intensity | None:
        """The carbon intensity now, of a zone or of the first; None where nobody tells it."""
        for series, grams in self._carbon.select(published):
            if zone in (None, _zone(series)):
                return Intensity(grams, _zone(series), _provider(series))
        return None

    def price(self, published: Iterable[Published], zone: str | None = None) -> Price | None:
        """The price now, of a zone or of the first; None where nobody tells it."""
        for series, per_kwh in self._price.select(published):
            if zone in (None, _zone(series)):
                return Price(per_kwh, series.labels.get("currency", ""), _zone(series), _provider(series))
        return None


def _zone(series: Series) -> str:
    return series.labels.get("zone", "")


def _provider(series: Series) -> str:
    return series.labels.get("provider", series.source)

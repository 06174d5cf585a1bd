"""A simulated market and grid, for `energy-collector run --demo`."""

from __future__ import annotations

from collector_core import Collector, Readings
from collector_core.demo import daily, daylight, noise
from collector_plugins.grid import metrics
from collector_plugins.grid.config import Config
from collector_plugins.grid.curve import HOUR, hour_of

PROVIDER, ZONE, CURRENCY = "market", "DE-LU", "EUR"


class DemoGrid(Collector[Config]):
    """One provider: cheap and clean at noon, dear and dirty in the evening."""

    name = "grid"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 30.0

    def collect(self, out: Readings) -> None:
        """Show what would hold at this time of the day."""
        now = self.ctx.clock.time()
        of_carbon = {"provider": PROVIDER, "zone": ZONE}
        of_price = of_carbon | {"currency": CURRENCY}
        out.add(metrics.UP, 1, provider=PROVIDER)
        out.add(metrics.AGE, now % 900, provider=PROVIDER)
        out.add(metrics.PRICE, _price(hour_of(now)), **of_price)
        out.add(metrics.CARBON, _grams(hour_of(now)), **of_carbon)
        for hours in range(1, self.config.hours_ahead + 1):
            start = hour_of(now) + hours * HOUR
            out.add(metrics.PRICE_AHEAD, _price(start), **of_price, hours=str(hours))
            out.add(metrics.CARBON_AHEAD, _grams(start), **of_carbon, hours=str(hours))


def _price(when: float) -> float:
    return daily(when, 0.20, 0.36, peak_hour=19) - 0.16 * daylight(when) + noise(when, "price", 0.02)


def _grams(when: float) -> float:
    return daily(when, 330, 430, peak_hour=20) - 180 * daylight(when) + noise(when, "carbon", 15)

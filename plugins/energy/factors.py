"""By what joules become grams and money: the grid of this hour, else what is configured."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from collector_core import Context, Published
from collector_core.metering import EnergyFactors, GridFactors, Intensity, Price
from collector_plugins.energy.config import Config
from collector_plugins.energy.live import LiveIntensity

CONFIGURED = "configured"


class Sources(NamedTuple):
    """What holds now; None is what nobody knows."""

    intensity: Intensity | None
    price: Price | None

    def with_pue(self, pue: float) -> EnergyFactors:
        """The same, to compute with; `pue` is 1 or more."""
        grams = self.intensity.grams_per_kwh if self.intensity else None
        per_kwh, currency = (self.price.per_kwh, self.price.currency) if self.price else (None, "")
        return EnergyFactors(grams, pue, per_kwh, currency)


class FactorChoice:
    """Chooses the best factors, and logs where they come from another source than before."""

    def __init__(self, config: Config, ctx: Context) -> None:
        self._config = config
        self._log = ctx.logger
        self._live = LiveIntensity(config.live, ctx) if config.live else None
        self._fallback: Intensity | None = None
        self._grid = GridFactors()
        self._sources: dict[str, str] = {}

    def open(self) -> None:
        """Look up what stands in where no live source answers."""
        self._fallback = self._config.fallback()

    def now(self, published: Sequence[Published]) -> Sources:
        """The best of this moment; may begin to ask the live source, and does not wait for it."""
        if self._live:
            self._live.start()
        intensity = (self._live and self._live.current()) or self._grid.carbon(published) or self._fallback
        price = self._grid.price(published) or self._configured_price()
        self._note("carbon intensity", intensity.source if intensity else "")
        self._note("price", price.source if price else "")
        return Sources(intensity, price)

    def close(self) -> Awaitable[None] | None:
        """Stop asking the live source; nothing to wait for without one."""
        return self._live.close() if self._live else None

    def _configured_price(self) -> Price | None:
        per_kwh = self._config.price_per_kwh
        return None if per_kwh is None else Price(per_kwh, self._config.currency, "", CONFIGURED)

    def _note(self, what: str, source: str) -> None:
        before = self._sources.setdefault(what, source)
        if source != before:
            self._sources[what] = source
            self._log.info(
                "the %s is that of %s now, no longer that of %s", what, source or "nobody", before or "nobody"
            )

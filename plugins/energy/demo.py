"""The ledger over simulated meters, for `run --demo`: the real one, with a price, a grid and a building."""

from __future__ import annotations

from collector_core import Context, Field
from collector_core.demo.rack import Rack
from collector_core.metering import FlowKind, StoredEnergy
from collector_plugins.energy import Energy
from collector_plugins.energy.config import Config

NIGHT_GRAMS_PER_KWH = 290.0
STORED = {  # when the demo begins: the rack's battery was charged at night, the panels' by them
    f"{FlowKind.BATTERY}/Rack": StoredEnergy(3.6e6, NIGHT_GRAMS_PER_KWH),
    f"{FlowKind.BATTERY}/Shed": StoredEnergy(1.8e7, 0.0),
}


class DemoConfig(Config):
    """The plugin's options, with defaults for a demo."""

    country: str | None = Field(Rack.country, description="ISO 3166 code whose carbon intensity the demo uses.")
    pue: float = Field(Rack.pue, ge=1, le=10, description="Power usage effectiveness of the demo's building.")
    price_per_kwh: float | None = Field(Rack.price_per_kwh, ge=0, description="Price per kWh in the demo.")


class DemoEnergy(Energy):
    """Adds up what the simulated plugins hand over."""

    config_type = DemoConfig

    def __init__(self, config: DemoConfig, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._site.mix.assume(STORED)
        self._batteries = None  # nothing of a demo is kept

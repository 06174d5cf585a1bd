"""Power and energy of smart plugs that answer `GET /status` with JSON."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.request import urlopen

from collector_core import Collector, CollectorConfig, Counter, Field, Gauge, Readings, Unit, hookimpl

JOULES_PER_KWH = 3.6e6

POWER = Gauge("plug_power_watts", "Power drawn through the plug.", Unit.WATTS, ("plug",))
ENERGY = Counter("plug_energy_joules_total", "Energy through the plug since its reset.", Unit.JOULES, ("plug",))


class Config(CollectorConfig):
    """Where the plugs are."""

    plugs: dict[str, str] = Field(description="Name of each plug and its base URL.")


class Plug(Collector[Config]):
    """Asks one plug after the other; each has its share of the time."""

    name, metrics, config_type = "plug", (POWER, ENERGY), Config

    def collect(self, out: Readings) -> None:
        patience = self.ctx.timeout / (len(self.config.plugs) + 1)
        for plug, url in self.config.plugs.items():
            with out.part(plug=plug), urlopen(f"{url}/status", timeout=patience) as answer:
                status = json.load(answer)
                out.add(POWER, status["power_watts"], plug=plug)
                out.add(ENERGY, status["energy_kwh"] * JOULES_PER_KWH, plug=plug)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    return [Plug]

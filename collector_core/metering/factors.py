"""What energy emits and costs: grams of CO2 equivalent and money per kWh, with what the building takes on top."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

JOULES_PER_KWH = 3.6e6


class EnergyFactors(NamedTuple):
    """By which joules become grams of CO2 equivalent and money; None is what is not known. `pue` is 1 or more."""

    grams_per_kwh: float | None = None
    pue: float = 1.0
    price_per_kwh: float | None = None
    currency: str = ""

    def grams(self, joules: float | None) -> float | None:
        """What energy emits; None where the energy or its carbon intensity is not known."""
        return self._per_kwh(joules, self.grams_per_kwh)

    def cost(self, joules: float | None) -> float | None:
        """What energy costs, in `currency`; None where the energy or its price is not known."""
        return self._per_kwh(joules, self.price_per_kwh)

    def _per_kwh(self, joules: float | None, factor: float | None) -> float | None:
        return None if joules is None or factor is None else joules * self.pue / JOULES_PER_KWH * factor


@runtime_checkable
class GivesFactors(Protocol):
    """Options of a collector that say what energy emits and costs."""

    def energy_factors(self) -> EnergyFactors:
        """As they are configured."""

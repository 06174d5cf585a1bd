"""Options of the energy plugin."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from collector_core import CollectorConfig, Field, Options, SecretStr, SecureUrl
from collector_core.metering import Country, EnergyFactors, Intensity, Prefer, by_country


class Live(Options):
    """Electricity Maps, or a server that answers as it does."""

    zone: str = Field(
        min_length=2, max_length=32, pattern=r"[A-Z0-9-]+", description="Electricity Maps zone, e.g. DE or US-CAL-CISO."
    )
    token: SecretStr = Field(description="API key: {$env: NAME} or {$file: path}.")
    url: SecureUrl = Field(
        "https://api.electricitymaps.com/v3", description="Base URL of the API; https outside loopback."
    )
    refresh: float = Field(900.0, ge=60, le=86_400, allow_inf_nan=False, description="Seconds between two requests.")


class Config(CollectorConfig):
    """Options of the energy plugin."""

    prefer: Prefer = Field(
        Prefer.PACKAGE, description="What counts if both are measured: package (and memory), or psys, the platform."
    )
    carbon_intensity: float | None = Field(
        None, ge=0, le=5000, allow_inf_nan=False, description="Grams of CO2 equivalent per kWh, if you know them."
    )
    country: Country | None = Field(None, description="ISO 3166 code, e.g. DE: uses a yearly mean from a table.")
    live: Live | None = Field(
        None, description="Electricity Maps, as {zone, token}; falls back to the other options when it fails."
    )
    pue: float = Field(1.0, ge=1, le=10, allow_inf_nan=False, description="Power usage effectiveness of the building.")
    price_per_kwh: float | None = Field(None, ge=0, allow_inf_nan=False, description="Price per kWh in `currency`.")
    currency: str = Field("EUR", pattern=r"[A-Z]{3}", description="ISO 4217 code, for the label of the cost.")

    @model_validator(mode="after")
    def _one_fallback(self) -> Self:
        if self.carbon_intensity is not None and self.country is not None:
            raise ValueError("give carbon_intensity or country, not both")
        return self

    def fallback(self) -> Intensity | None:
        """What stands in where no live source answers."""
        if self.country:
            return by_country(self.country)
        return None if self.carbon_intensity is None else Intensity(self.carbon_intensity, "", "configured")

    def energy_factors(self) -> EnergyFactors:
        """For measurements, which wait for no live source."""
        intensity = self.fallback()
        grams = None if intensity is None else intensity.grams_per_kwh
        return EnergyFactors(grams, self.pue, self.price_per_kwh, self.currency)

"""Options of the sites plugin."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from collector_core import CollectorConfig, Field, Options, SecretStr, parse_duration
from collector_core.metering import Country
from collector_plugins.sites.site import SiteId

RENEWABLES = (
    "solar",
    "solar_rooftop",
    "concentrated_solar",
    "wind",
    "wind_offshore",
    "hydro",
    "geothermal",
    "biomass",
    "tidal",
)

LongDuration = Annotated[float, BeforeValidator(parse_duration), Field(ge=3600, le=100 * 366 * 86_400)]
"""A duration from an hour to a century."""


class Local(Options):
    """This machine as a site."""

    site: SiteId = Field(description="Its id; it is registered by itself, and can be changed like any other.")


Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Weights(Options):
    """How much each part of the sustainability score counts; only their ratios matter."""

    renewable: Weight = Field(0.5, description="Weight of the renewable share, hour by hour.")
    intensity: Weight = Field(0.2, description="Weight of the carbon intensity.")
    efficiency: Weight = Field(0.15, description="Weight of the efficiency.")
    flexibility: Weight = Field(0.15, description="Weight of drawing less when the grid needs it.")


class Config(CollectorConfig):
    """Options of the sites plugin."""

    token: SecretStr | None = Field(
        None, description="Bearer token that writers present; required from other machines."
    )
    auto_register: bool = Field(False, description="Register a site with its first reading.")
    retention: LongDuration = Field(400 * 86_400, description="How long readings are kept; hourly sums stay for ever.")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217 code of all prices.")
    country: Country | None = Field(
        None, description="ISO 3166 code, e.g. DE: its yearly mean is the factor of `grid` for sites without a zone."
    )
    forecast_days: float = Field(30.0, gt=0, le=366, allow_inf_nan=False, description="Longest horizon of forecasts.")
    retrain_every: LongDuration = Field(
        7 * 86_400, description="After how long the model of a site's published forecast is chosen again."
    )
    weights: Weights = Field(Weights(), description="Weights of the parts of the sustainability score.")
    renewables: tuple[str, ...] = Field(
        RENEWABLES, description="Sources that count as renewable in the sustainability score."
    )
    reference_g_per_kwh: float = Field(
        480.0,
        gt=0,
        le=5000,
        allow_inf_nan=False,
        description="Carbon intensity that scores 0; by default the world's mean of 2023 (Our World in Data).",
    )
    local: Local | None = Field(
        None, description="Makes a site of this machine, as `{site: home}`: what the ledger of energy adds up."
    )

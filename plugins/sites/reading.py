"""One reading, as senders write it and as it is kept."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from collector_core import Field
from collector_plugins.sites.fields import (
    Celsius,
    GramsPerKilowattHour,
    Hertz,
    KilowattHours,
    Moment,
    Price,
    Seconds,
    Shares,
    TerahashesPerSecond,
    Text,
    Volts,
    Watts,
)

DEFAULT_INTERVAL_SECONDS = 60.0
DEFAULT_METER = "main"
NO_SERIES = "send either `series` or `selector`"
MISSING_MEASUREMENT = "power_watts or energy_kwh is missing"
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Grid(BaseModel):
    """What a reading says of the grid at its time."""

    model_config = _STRICT

    frequency_hz: Hertz | None = None
    voltage_v: Volts | None = None
    price_per_kwh: Price | None = None
    carbon_g_per_kwh: GramsPerKilowattHour | None = None
    load_watts: Watts | None = None


class Reading(BaseModel):
    """What one meter of a site says of the interval that ends at `timestamp`."""

    model_config = _STRICT
    needs_energy: ClassVar = True

    site_id: Text = Field(description="The site that the meter belongs to.")
    timestamp: Moment = Field(description="The end of the interval: RFC 3339 with a zone, or seconds since 1970.")
    power_watts: Watts | None = Field(None, description="Mean power of the interval.")
    energy_kwh: KilowattHours | None = Field(None, description="Running total of the meter.")
    interval_seconds: Seconds = Field(DEFAULT_INTERVAL_SECONDS, description="How long the interval was.")
    hashrate_th: TerahashesPerSecond | None = Field(None, description="Mean hash rate of the interval, TH/s.")
    sources: Shares | None = Field(None, description="Shares of the energy by source; they add up to 1.")
    grid: Grid | None = None
    temperature_celsius: Celsius | None = None
    meter: Text = Field(DEFAULT_METER, description="Which meter of the site.")
    id: Text | None = Field(None, description="Idempotency key, unique within the site.")

    @model_validator(mode="after")
    def _measures(self) -> Self:
        if self.needs_energy and self.power_watts is None and self.energy_kwh is None:
            raise ValueError(MISSING_MEASUREMENT)
        return self


class HashrateReading(Reading):
    """What a miner says of an interval: some tell only their hash rate."""

    needs_energy: ClassVar = False


def extra_of(reading: Reading) -> str | None:
    """What few readings have, as JSON; None where there is nothing."""
    extra: dict[str, Any] = {}
    if reading.sources is not None:
        extra["sources"] = reading.sources
    if reading.grid is not None:
        extra |= {key: value for key, value in reading.grid.__dict__.items() if value is not None}
    if reading.temperature_celsius is not None:
        extra["temperature_celsius"] = reading.temperature_celsius
    return json.dumps(extra, sort_keys=True) if extra else None

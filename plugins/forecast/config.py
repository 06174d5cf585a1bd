"""Options of the plugin."""

from __future__ import annotations

from collections import Counter
from datetime import tzinfo
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints, field_validator, model_validator

from collector_core import CalendarDay, CollectorConfig, Duration, Field, Options, Period, SelectorText, TimeZoneName
from collector_plugins.forecast.forecaster import DEFAULT_QUANTILES
from collector_plugins.forecast.model_names import known_model
from collector_plugins.forecast.outcome import COMBINATION

DAY = 86_400.0
MOST_STEPS = 3000
MOST_SERIES = 500

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Horizon = Annotated[Period, Field(le=30 * DAY)]
Quantile = Annotated[float, Field(gt=0, lt=1)]
Quantiles = Annotated[tuple[Quantile, ...], Field(min_length=1, max_length=9)]
Model = Annotated[str, AfterValidator(known_model)]
RESERVED = "best-window"


class SeriesOptions(Options):
    """A series to forecast; what is left out is as for all."""

    name: Name = Field(description="What the forecast is called.")
    selector: SelectorText = Field(description="Selector of the series in the history.")
    kind: Literal["sum", "mean"] = Field("sum", description="What several series become: their sum or their mean.")
    horizon: Horizon | None = Field(None, description="How far ahead, at most 30 days.")
    step: Duration | None = Field(None, description="Time between two values.")
    quantiles: Quantiles | None = Field(None, description="Quantiles of the forecast.")
    model: Model | None = Field(None, description="Which model forecasts it.")
    covariates: tuple[Name, ...] = Field(
        (), max_length=5, description="Other forecasts that it depends on, such as temperature or price."
    )
    limit: float | None = Field(
        None, allow_inf_nan=False, description="What tomorrow's peak should stay below, in the unit of the series."
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name == RESERVED:
            raise ValueError(f"{RESERVED} is a word of the API")
        return name


class BatteryOptions(Options):
    """A battery whose charge is computed ahead from forecasts."""

    name: Name = Field(description="What the battery is called.")
    charge: SelectorText = Field(description="Selector of its charge, 0 to 1, among what is published.")
    capacity_joules: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="What it holds when full; by default what is published beside it."
    )
    load: Name = Field("home_load", description="The forecast of what it feeds, in watts.")
    solar: Name | None = Field("solar", description="The forecast of what charges it, in watts.")
    reserve: float = Field(
        0.0, ge=0, lt=1, description="Charge at which it counts as empty, 0 to 1; more where the past shows it."
    )
    max_charge_watts: float | None = Field(None, gt=0, allow_inf_nan=False, description="The most that it takes.")
    max_discharge_watts: float | None = Field(None, gt=0, allow_inf_nan=False, description="The most that it gives.")


class Config(CollectorConfig):
    """Options of the forecast plugin."""

    series: tuple[SeriesOptions, ...] = Field((), max_length=MOST_SERIES, description="Series to forecast.")
    default_series: bool = Field(
        True,
        description="Also forecast what the history has of: the machine's power, solar power, home load, charge, hash "
        "rate, requests, price, carbon intensity and temperature.",
    )
    batteries: tuple[BatteryOptions, ...] = Field(
        (), max_length=50, description="Batteries; by default those that publish charge, capacity and solar power."
    )
    horizon: Horizon = Field(2 * DAY, description="How far ahead, at most 30 days.")
    step: Duration = Field(3600, ge=60, description="Time between two values.")
    quantiles: Quantiles = Field(DEFAULT_QUANTILES, description="Quantiles, between 0 and 1.")
    model: Model = Field(COMBINATION, description="Model that forecasts; `combination` weighs all by their errors.")
    past: Period = Field(56 * DAY, ge=DAY, le=400 * DAY, description="How much of the history is learnt from.")
    time_zone: TimeZoneName | None = Field(
        None,
        description="Zone of days and hours, such as Europe/Oslo; by default that of the machine.",
    )
    holidays: tuple[CalendarDay, ...] = Field(
        (), description="Days that are like Sundays: `12-25` in every year, `2026-04-03` in one.", max_length=1000
    )
    retrain_every: Duration = Field(3600, ge=60, description="Time between two trainings of a series.")
    cpu_share: float = Field(0.02, gt=0, le=1, description="The most of one CPU that all trainings take together.")
    cpu_seconds: float = Field(10, ge=1, le=3600, description="The most CPU time that one training takes.")
    memory_bytes: int = Field(1_000_000_000, ge=100_000_000, description="The most memory that a training may map.")
    deadline: Duration = Field(120, description="When the process that trains up to 25 series is ended.")

    @property
    def zone(self) -> tzinfo | None:
        """The zone of days and hours; None is that of the machine."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        twice = [name for name, times in Counter(each.name for each in self.series).items() if times > 1]
        if twice:
            raise ValueError(f"series: two are called {twice[0]!r}")
        try:
            TopologicalSorter({each.name: each.covariates for each in self.series}).prepare()
        except CycleError as error:
            raise ValueError(f"series: {error.args[1][0]!r} would depend on itself, by its covariates") from None
        everything: tuple[Config | SeriesOptions, ...] = (self, *self.series)
        for each in everything:
            step, horizon = each.step or self.step, each.horizon or self.horizon
            if not step <= horizon <= MOST_STEPS * step:
                raise ValueError(f"a horizon of {horizon:g} s is not 1 to {MOST_STEPS} steps of {step:g} s")
        return self

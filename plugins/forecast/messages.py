"""What is written to the process that trains, and what comes back: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from collector_core import Field, Options

Number = Annotated[float, Field(allow_inf_nan=False)]
Numbers = Annotated[list[Number], Field(max_length=20_000)]
ByQuantile = dict[float, Number]


class Values(Options):
    """A series on a grid of times; None is a gap."""

    start: Number
    step: Number = Field(gt=0)
    values: list[Number | None]


class Job(Options):
    """A series to forecast. `periods` are times from and to which its forecast is summed up, by their names; `peak` is
    the period whose highest value is asked for, and `limit` what that should stay below. `prices` are of a kWh.
    Days are those of `zone`, by default of the machine's, and `holidays` like Sundays.
    """

    name: str
    series: Values
    horizon_steps: int = Field(ge=1)
    quantiles: tuple[float, ...]
    model: str
    covariates: dict[str, Values] = Field({})
    periods: dict[str, tuple[float, float]] = Field({})
    peak: tuple[float, float] | None = None
    limit: float | None = None
    prices: Values | None = None
    zone: str | None = None
    holidays: tuple[str, ...] = ()
    cpu_seconds: float


class Refusal(Options):
    """Why a series has no forecast: it is too short, or its training failed."""

    reason: str = Field(max_length=30)
    detail: str = Field(max_length=2000)
    fix: str = Field("", max_length=2000)


class Trained(Options):
    """A forecast from `start` on. `quantiles` has a list for each quantile, `sums`, `costs` and `peak`
    a number."""

    start: Number
    step: Number = Field(gt=0)
    quantiles: dict[float, Numbers]
    model: str = Field(max_length=64)
    weights: dict[str, Number] = Field({})
    mase: dict[str, Number] = Field({})
    coverage: dict[float, Number] = Field({})
    seconds: Number = Field(0.0, ge=0)
    minimum: Number | None = None
    sums: dict[str, ByQuantile] = Field({})
    costs: dict[str, ByQuantile] = Field({})
    peak: ByQuantile = Field({})
    above_limit: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        lengths = {len(values) for values in self.quantiles.values()}
        if len(lengths) != 1 or not all(0 < quantile < 1 for quantile in self.quantiles):
            raise ValueError("there must be one value for each step and quantile")
        return self

    @property
    def end(self) -> float:
        """The time of the first step that is not forecast."""
        return self.start + self.step * len(next(iter(self.quantiles.values())))

    def place(self, time: float) -> int | None:
        """Which step a time is in; None before the first and after the last."""
        return int((time - self.start) // self.step) if self.start <= time < self.end else None


class JobResult(Options):
    """What became of a job."""

    name: str
    trained: Trained | None = None
    refusal: Refusal | None = None

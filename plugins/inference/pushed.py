"""What a program may push of its model: any of these, in base units."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from collector_core import Field, Options

MAX_LAYERS = 1000

Number = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Word = Annotated[str, Field(max_length=200)]


class Pushed(Options):
    """One model at this moment. What is not known is left out; at least one number must be there."""

    latency_mean_seconds: Seconds | None = None
    latency_p95_seconds: Seconds | None = None
    latency_p99_seconds: Seconds | None = None
    first_token_mean_seconds: Seconds | None = None
    first_token_p95_seconds: Seconds | None = None
    requests_per_second: Number | None = None
    requests_total: Number | None = None
    request_failures_total: Number | None = None
    tokens_per_second: Number | None = None
    tokens_total: Number | None = None
    requests_waiting: Number | None = None
    requests_running: Number | None = None
    cache_usage_ratio: Ratio | None = None
    accelerator_utilization_ratio: Ratio | None = None
    layer_latency_seconds: dict[Word, Seconds] = Field(default_factory=dict, max_length=MAX_LAYERS)
    type: Word = ""
    quantization: Word = ""
    acceleration: Word = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("is empty: give at least one of its fields, e.g. latency_mean_seconds")
        return self

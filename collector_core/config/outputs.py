"""The section `outputs:` → output instances that are ready to be built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from collector_core.options import Duration, Options, SelectorText, parse_duration
from collector_core.output import BaseOutput, OutputConfig

DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024
DEFAULT_QUEUE_AGE = 7 * 86400.0  # seconds


_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def _label_name(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError(f"{text!r} is not a label name: letters, digits and _")
    return text


def _metric_name(text: str) -> str:
    if not _METRIC.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a metric: letters, digits, _ and :")
    return text


LabelName = Annotated[str, AfterValidator(_label_name)]
MetricName = Annotated[str, AfterValidator(_metric_name)]
Selectors = Annotated[tuple[SelectorText, ...], Field(min_length=1)]
Age = Annotated[float, BeforeValidator(parse_duration), Field(ge=1, allow_inf_nan=False)]


class OutputSettings(Options):
    """The keys of one output that belong to the core; times in seconds."""

    plugin: str | None = Field(None, description="The type of output, if the output has a name of its own.")
    series: Selectors | None = Field(None, description="Series to deliver; default: what the type of output says.")
    interval: Duration | None = Field(None, description="At most one sample of each series per interval, the newest.")
    labels: dict[LabelName, str] = Field({}, description="Labels added to every series that does not have them.")
    rename: dict[MetricName, MetricName] = Field({}, description="Other names for series: `{old: new}`.")
    timeout: Duration | None = Field(None, description="How long one delivery may take.")
    batch_size: int | None = Field(None, ge=1, le=1_000_000, description="Records that are delivered at once.")
    batch_wait: Duration | None = Field(None, description="How long records wait for others to fill a batch.")
    queue_max_bytes: int = Field(
        DEFAULT_QUEUE_BYTES, ge=1, description="Size of the queue on disk; the oldest records make room."
    )
    queue_max_age: Age = Field(DEFAULT_QUEUE_AGE, description="Records that have waited for longer are dropped.")
    options: dict[str, Any] = Field({}, description="The options of this type of output.")

    @field_validator("options", mode="before")
    @classmethod
    def _empty_options(cls, value: object) -> object:
        return {} if value is None else value


@dataclass(frozen=True)
class OutputInstance:
    """One output, ready to be built; times in seconds. Equal instances need no restart at a reload."""

    name: str
    type: type[BaseOutput[Any]]
    options: OutputConfig
    series: tuple[str, ...] | None
    interval: float
    labels: tuple[tuple[str, str], ...]
    rename: tuple[tuple[str, str], ...]
    timeout: float
    batch_size: int
    batch_wait: float
    queue_max_bytes: int
    queue_max_age: float


def output_instance(
    name: str, cls: type[BaseOutput[Any]], settings: OutputSettings, options: OutputConfig
) -> OutputInstance:
    """An entry of the section `outputs:`, with the defaults of its class."""
    return OutputInstance(
        name=name,
        type=cls,
        options=options,
        series=settings.series,
        interval=cls.default_interval if settings.interval is None else settings.interval,
        labels=tuple(sorted(settings.labels.items())),
        rename=tuple(sorted(settings.rename.items())),
        timeout=settings.timeout or cls.default_timeout,
        batch_size=settings.batch_size or cls.default_batch_size,
        batch_wait=cls.default_batch_wait if settings.batch_wait is None else settings.batch_wait,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_age=settings.queue_max_age,
    )

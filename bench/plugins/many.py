"""A collector with as many series as asked for, whose values all change at every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench import samples
from collector_core import Collector, CollectorConfig, Context, Field, Readings, hookimpl

MAX_SERIES = 10_000
METRICS = tuple(samples.metrics("bench_many", MAX_SERIES))


class Config(CollectorConfig):
    """How much."""

    series: int = Field(MAX_SERIES, ge=1, le=MAX_SERIES, description="Number of series.")


class Many(Collector[Config]):
    """Series of the kinds that `samples` describes."""

    name = "bench_many"
    metrics = METRICS
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._step = 0

    def collect(self, out: Readings) -> None:
        self._step += 1
        count = self.config.series
        for metric, keys, values in zip(METRICS, samples.keys(count), samples.values(count, self._step), strict=False):
            for (host, device), value in zip(keys, values, strict=True):
                out.add(metric, value, host=host, device=device)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    return (Many,)

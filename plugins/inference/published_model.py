"""What is shown of one model: from servers, completed by what was pushed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from collector_core import ForeignCounter, Gauge, Metric, ReadingError, Readings
from collector_plugins.inference import metrics
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.pushed import Pushed
from collector_plugins.inference.window import Joined

Info = tuple[str, str, str]  # type, quantization, acceleration

_PUSHED: Mapping[str, Metric] = {metric.name.removeprefix("inference_"): metric for metric in metrics.BY_MODEL}
_GAUGES: Mapping[Reading, Gauge] = {
    Reading.WAITING: metrics.WAITING,
    Reading.RUNNING: metrics.RUNNING,
    Reading.CACHE_USAGE: metrics.CACHE_USAGE,
    Reading.UTILIZATION: metrics.UTILIZATION,
}
_RATES: Mapping[Reading, Gauge] = {Reading.REQUESTS: metrics.REQUEST_RATE, Reading.TOKENS: metrics.TOKEN_RATE}
_TOTALS: Mapping[Reading, Metric] = {
    Reading.REQUESTS: metrics.REQUESTS,
    Reading.FAILURES: metrics.FAILURES,
    Reading.TOKENS: metrics.TOKENS,
}


@dataclass
class PublishedModel:
    """The readings of one model; what is not known is not among them."""

    values: dict[Metric, float] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)
    info: Info = ("", "", "")

    def complete(self, other: PublishedModel) -> None:
        """Take from `other` what is not known here."""
        self.values = other.values | self.values
        self.layers = other.layers | self.layers
        self.tell(other.info)

    def tell(self, info: Iterable[str]) -> None:
        """Say what the model is, where that is not said yet."""
        kind, quantization, acceleration = (mine or theirs for mine, theirs in zip(self.info, info, strict=True))
        self.info = (kind, quantization, acceleration)

    def publish(self, out: Readings, model: str, max_layers: int) -> None:
        """Add everything to a run; raises `ReadingError` in a part of its own for layers that are too many."""
        for metric, value in self.values.items():
            out.add(metric, value, model=model)
        if any(self.info):
            kind, quantization, acceleration = self.info
            out.add(metrics.INFO, model=model, type=kind, quantization=quantization, acceleration=acceleration)
        for layer, seconds in islice(self.layers.items(), max_layers):
            out.add(metrics.LAYER_LATENCY, seconds, model=model, layer=layer)
        if 0 < max_layers < len(self.layers):
            with out.part(model=model, what="layers"):
                raise ReadingError(f"{len(self.layers)} layers, the first {max_layers} are shown: raise `max_layers`")


def from_windows(joined: Joined, totals: Mapping[Reading, float]) -> PublishedModel:
    """What servers say."""
    values: dict[Metric, float | None] = {
        metrics.LATENCY_MEAN: joined.mean_latency(),
        metrics.LATENCY_P95: joined.quantile(Reading.LATENCY, 0.95),
        metrics.LATENCY_P99: joined.quantile(Reading.LATENCY, 0.99),
        metrics.FIRST_TOKEN_MEAN: joined.mean(Reading.FIRST_TOKEN),
        metrics.FIRST_TOKEN_P95: joined.quantile(Reading.FIRST_TOKEN, 0.95),
    }
    for table, readings in ((_RATES, joined.rates), (_TOTALS, totals), (_GAUGES, joined.gauges)):
        values |= {metric: readings.get(reading) for reading, metric in table.items()}
    return PublishedModel(
        {metric: value for metric, value in values.items() if value is not None}, joined.layer_means()
    )


def from_push(pushed: Pushed, counters: dict[Metric, ForeignCounter], now: float) -> PublishedModel:
    """What was pushed: its fields are called as the metrics are; `counters` remember what was pushed of counters."""
    told = pushed.model_dump(include=set(_PUSHED), exclude_none=True)
    values = {_PUSHED[name]: float(value) for name, value in told.items()}
    for metric, value in values.items():
        if metric.kind == "counter":
            values[metric] = counters.setdefault(metric, ForeignCounter()).record(value, now)
    info = (pushed.type, pushed.quantization, pushed.acceleration)
    return PublishedModel(values, dict(pushed.layer_latency_seconds), info)

"""Two simulated models, for trying dashboards without a model server: `energy-collector run --demo`."""

from __future__ import annotations

from dataclasses import dataclass

from collector_core import Collector, Context, Metric, Readings
from collector_core.demo import Totals, daily, noise
from collector_plugins.inference import metrics
from collector_plugins.inference.config import Config


@dataclass(frozen=True)
class _Model:
    """`rate` is the requests per second by day, `seconds` the time of one, `tokens` what it generates."""

    name: str
    quantization: str
    rate: float
    seconds: float
    tokens: float
    layers: int
    watts: float


MODELS = (
    _Model("llama-3.1-8b", "fp8", rate=6.0, seconds=2.4, tokens=220, layers=8, watts=310),
    _Model("bge-large", "none", rate=45.0, seconds=0.03, tokens=0, layers=4, watts=90),
)


class DemoInference(Collector[Config]):
    """Simulated model servers: busy by day, slower the busier they are."""

    name = "inference"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 15.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._totals = Totals()

    def collect(self, out: Readings) -> None:
        """Show each model as it would be at this time of the day."""
        now = self.ctx.clock.time()
        for model in MODELS:
            self._show(out, model, now)

    def _show(self, out: Readings, model: _Model, now: float) -> None:
        rate = daily(now, model.rate / 8, model.rate, peak_hour=15, weekend=0.4)
        rate *= 1 + noise(now, f"{model.name} requests", 0.25)
        load = rate / (1.3 * model.rate)
        mean = model.seconds * (0.8 + 0.4 * load**3) * (1 + noise(now, f"{model.name} time", 0.08))
        values: dict[Metric, float] = {
            metrics.LATENCY_MEAN: mean,
            metrics.LATENCY_P95: mean * (1.7 + load),
            metrics.LATENCY_P99: mean * (2.2 + 2 * load),
            metrics.REQUEST_RATE: rate,
            metrics.REQUESTS: self._totals.grow((model.name, "requests"), rate, now),
            metrics.FAILURES: self._totals.grow((model.name, "failures"), rate * 0.002 * load, now),
            metrics.WAITING: float(int(12 * max(0.0, load - 0.6))),
            metrics.RUNNING: float(round(rate * mean)),
            metrics.UTILIZATION: min(1.0, 0.1 + 0.85 * load),
            metrics.ENERGY: model.watts * (0.3 + 0.7 * load) / rate,
        }
        if model.tokens:
            values |= self._of_text(model, rate, mean, load, now)
        for metric, value in values.items():
            out.add(metric, value, model=model.name)
        kind = "llm" if model.tokens else "embedding"
        out.add(metrics.INFO, model=model.name, type=kind, quantization=model.quantization, acceleration="cuda")
        out.add(metrics.SERVER_UP, 1, server=model.name)
        for layer in range(model.layers):
            share = mean / model.layers * (1 + noise(now, f"{model.name} {layer}", 0.1)) / max(1.0, model.tokens)
            out.add(metrics.LAYER_LATENCY, share, model=model.name, layer=f"layer-{layer:02}")

    def _of_text(self, model: _Model, rate: float, mean: float, load: float, now: float) -> dict[Metric, float]:
        tokens = rate * model.tokens * (1 + noise(now, f"{model.name} tokens", 0.1))
        return {
            metrics.FIRST_TOKEN_MEAN: 0.06 * mean,
            metrics.FIRST_TOKEN_P95: 0.06 * mean * (1.8 + load),
            metrics.TOKEN_RATE: tokens,
            metrics.TOKENS: self._totals.grow((model.name, "tokens"), tokens, now),
            metrics.ENERGY_PER_TOKEN: model.watts * (0.3 + 0.7 * load) / tokens,
            metrics.CACHE_USAGE: min(1.0, 0.15 + 0.7 * load),
        }

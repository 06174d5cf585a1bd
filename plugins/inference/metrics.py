"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

_MODEL = ("model",)


def _seconds(name: str, help: str, *labels: str, topic: str, of: str, title: str) -> Gauge:
    declared = (f"inference_{name}_seconds", help, Unit.SECONDS, (*_MODEL, *labels))
    return Gauge(*declared, topic=topic, of=of, title=title)


LATENCY_MEAN = _seconds(
    "latency_mean",
    "Mean latency of the requests that finished since the previous run.",
    topic="latency",
    of="model_server",
    title="Mean inference latency",
)
LATENCY_P95 = _seconds(
    "latency_p95",
    "95th percentile of the request latency since the previous run, interpolated as Prometheus does.",
    topic="latency_p95",
    of="model_server",
    title="95th percentile of the inference latency",
)
LATENCY_P99 = _seconds(
    "latency_p99",
    "99th percentile of the request latency since the previous run, interpolated as Prometheus does.",
    topic="latency_p99",
    of="model_server",
    title="99th percentile of the inference latency",
)
FIRST_TOKEN_MEAN = _seconds(
    "first_token_mean",
    "Mean time to the first token since the previous run.",
    topic="first_token_latency",
    of="model_server",
    title="Mean time to the first token",
)
FIRST_TOKEN_P95 = _seconds(
    "first_token_p95",
    "95th percentile of the time to the first token since the previous run.",
    topic="first_token_latency_p95",
    of="model_server",
    title="95th percentile of the time to the first token",
)
LAYER_LATENCY = _seconds(
    "layer_latency",
    "Mean time in one layer of the model since the previous run.",
    "layer",
    topic="layer_latency",
    of="model_server",
    title="Latency of a model's layer",
)
REQUEST_RATE = Gauge(
    "inference_requests_per_second",
    "Requests answered per second since the previous run.",
    labels=_MODEL,
    topic="throughput",
    of="model_server",
    title="Inference requests per second",
)
REQUESTS = Counter(
    "inference_requests_total",
    "Requests answered, as counted by the servers.",
    labels=_MODEL,
    topic="requests",
    of="model_server",
    title="Inference requests",
)
FAILURES = Counter(
    "inference_request_failures_total",
    "Requests that failed, as counted by the servers.",
    labels=_MODEL,
    topic="errors",
    of="model_server",
    title="Failed inference requests",
)
TOKEN_RATE = Gauge(
    "inference_tokens_per_second",
    "Tokens generated per second since the previous run.",
    labels=_MODEL,
    topic="token_rate",
    of="model_server",
    title="Generated tokens per second",
)
TOKENS = Counter(
    "inference_tokens_total",
    "Tokens generated, as counted by the servers.",
    labels=_MODEL,
    topic="tokens",
    of="model_server",
    title="Generated tokens",
)
WAITING = Gauge(
    "inference_requests_waiting",
    "Requests waiting to be processed.",
    labels=_MODEL,
    topic="queue",
    of="model_server",
    title="Waiting inference requests",
)
RUNNING = Gauge(
    "inference_requests_running",
    "Requests being processed.",
    labels=_MODEL,
    topic="running",
    of="model_server",
    title="Running inference requests",
)
CACHE_USAGE = Gauge(
    "inference_cache_usage_ratio",
    "Fraction of the KV cache in use.",
    Unit.RATIO,
    _MODEL,
    topic="cache_load",
    of="model_server",
    title="Use of the KV cache",
)
UTILIZATION = Gauge(
    "inference_accelerator_utilization_ratio",
    "Utilisation of the servers' accelerators, 0 to 1; the mean if there are several.",
    Unit.RATIO,
    _MODEL,
    topic="load",
    of="model_server",
    title="Use of a model server's accelerators",
)
ENERGY = Gauge(
    "inference_energy_per_request_joules",
    "Energy of this machine's GPUs, including idle time, per request answered in that time.",
    Unit.JOULES,
    _MODEL,
    topic="energy_per_request",
    of="model_server",
    title="Energy per inference request",
)
ENERGY_PER_TOKEN = Gauge(
    "inference_energy_per_token_joules",
    "Energy of this machine's GPUs, including idle time, per token generated in that time.",
    Unit.JOULES,
    _MODEL,
    topic="energy_per_token",
    of="model_server",
    title="Energy per generated token",
)
INFO = Info(
    "inference_info",
    "Properties of the model, as configured or pushed; unknown ones are empty.",
    (*_MODEL, "type", "quantization", "acceleration"),
    of="model_server",
    title="Model",
)
SERVER_UP = Gauge(
    "inference_server_up",
    "1 while the server answers, or has pushed recently.",
    labels=("server",),
    topic="availability",
    of="model_server",
    title="Model server",
)

BY_MODEL = (
    LATENCY_MEAN,
    LATENCY_P95,
    LATENCY_P99,
    FIRST_TOKEN_MEAN,
    FIRST_TOKEN_P95,
    REQUEST_RATE,
    REQUESTS,
    FAILURES,
    TOKEN_RATE,
    TOKENS,
    WAITING,
    RUNNING,
    CACHE_USAGE,
    UTILIZATION,
    ENERGY,
)
ALL = (*BY_MODEL, ENERGY_PER_TOKEN, LAYER_LATENCY, INFO, SERVER_UP)

"""Model servers as far as their metrics go: real Prometheus endpoints with the names that the real ones have."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Endpoint:
    """A registry on a port of loopback."""

    def __init__(self, port=0):
        self.registry = CollectorRegistry()
        self.declare()
        self._server, self._thread = start_http_server(port, "127.0.0.1", self.registry)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/metrics"

    def declare(self):
        """Declare the metrics."""

    def restart(self):
        """Lose all counters, as a server does that is started anew."""
        self.stop()
        self.__init__(self.port)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class Vllm(Endpoint):
    """vLLM's OpenAI server; https://docs.vllm.ai/en/stable/usage/metrics/"""

    labels = ("model_name", "engine")

    def declare(self):
        make = {"labelnames": self.labels, "registry": self.registry}
        self.success = Counter(
            "vllm:request_success", "Requests.", (*self.labels, "finished_reason"), registry=self.registry
        )
        self.tokens = Counter("vllm:generation_tokens", "Generated.", **make)
        self.prompt = Counter("vllm:prompt_tokens", "Prefilled.", **make)
        self.latency = Histogram("vllm:e2e_request_latency_seconds", "End to end.", buckets=SECONDS, **make)
        self.first = Histogram("vllm:time_to_first_token_seconds", "TTFT.", buckets=SECONDS, **make)
        self.iterations = Histogram("vllm:iteration_tokens_total", "Per step.", buckets=(1, 8), **make)
        self.waiting = Gauge("vllm:num_requests_waiting", "Waiting.", **make)
        self.running = Gauge("vllm:num_requests_running", "Running.", **make)
        self.cache = Gauge("vllm:kv_cache_usage_perc", "1 means 100 percent.", **make)

    def load(self, model, engine="0"):
        """As after the start, when all of its series are there with 0."""
        for metric in (self.tokens, self.prompt, self.latency, self.first, self.iterations):
            metric.labels(model, engine)
        for metric in (self.waiting, self.running, self.cache):
            metric.labels(model, engine).set(0)
        for reason in ("stop", "length", "abort"):
            self.success.labels(model, engine, reason)

    def serve(self, seconds, model="llama", engine="0", tokens=100, reason="stop"):
        self.success.labels(model, engine, reason).inc()
        self.tokens.labels(model, engine).inc(tokens)
        self.latency.labels(model, engine).observe(seconds)
        self.first.labels(model, engine).observe(seconds / 10)


class Triton(Endpoint):
    """Triton. Its counters have no _total, so that they are gauges here; names from its docs/user_guide/metrics.md."""

    def declare(self):
        labels = {"labelnames": ("model", "version"), "registry": self.registry}
        self.success = Gauge("nv_inference_request_success", "Requests.", **labels)
        self.failure = Gauge(
            "nv_inference_request_failure", "Failed.", ("model", "version", "reason"), registry=self.registry
        )
        self.duration = Gauge("nv_inference_request_duration_us", "Cumulative microseconds.", **labels)
        self.pending = Gauge("nv_inference_pending_request_count", "Pending.", **labels)
        self.summary = Gauge(
            "nv_inference_request_summary_us",
            "Own quantiles.",
            ("model", "version", "quantile"),
            registry=self.registry,
        )
        self.gpu = Gauge("nv_gpu_utilization", "0 to 1.", ("gpu_uuid",), registry=self.registry)

    def load(self, model, version="1"):
        for metric in (self.success, self.duration, self.pending):
            metric.labels(model, version).set(0)

    def serve(self, seconds, model="resnet", version="1"):
        self.success.labels(model, version).inc()
        self.duration.labels(model, version).inc(seconds * 1e6)


class Tgi(Endpoint):
    """Text generation inference; names from its docs/source/reference/metrics.md. There is no label for the model."""

    def declare(self):
        make = {"registry": self.registry}
        self.count = Gauge("tgi_request_count", "All.", **make)
        self.success = Gauge("tgi_request_success", "Answered.", **make)
        self.failure = Gauge("tgi_request_failure", "Failed.", ("err",), **make)
        self.duration = Histogram("tgi_request_duration", "End to end.", buckets=SECONDS, **make)
        self.tokens = Histogram("tgi_request_generated_tokens", "Generated.", buckets=(10, 100, 1000), **make)
        self.queue = Gauge("tgi_queue_size", "Queued.", **make)
        self.batch = Gauge("tgi_batch_current_size", "Batch.", **make)

    def serve(self, seconds, tokens=100):
        self.count.inc()
        self.success.inc()
        self.duration.observe(seconds)
        self.tokens.observe(tokens)


class Custom(Endpoint):
    """A server of somebody's own, with times in milliseconds, percents and layers."""

    def declare(self):
        self.latency = Histogram(
            "ocr_latency_ms", "Times.", ("net",), buckets=(10, 20, 50, 100), registry=self.registry
        )
        self.busy = Gauge("ocr_npu_busy_percent", "Load.", registry=self.registry)
        self.layers = Gauge("ocr_layer_ms", "Layers.", ("net", "op"), registry=self.registry)
        self.queue = Gauge("ocr_queue", "Queue.", ("net", "kind"), registry=self.registry)

"""What real Prometheus endpoints with the names of vLLM, Triton and TGI come to."""

from __future__ import annotations

import pytest

from collector_core import NotAvailable
from collector_plugins.inference import metrics
from tests.plugins.inference.conftest import shown
from tests.plugins.inference.modelservers import Custom, Tgi, Triton, Vllm


def test_vllm(start, asked):
    server = start(Vllm)
    server.load("llama")
    harness = asked("vllm", server)
    for seconds in [0.2] * 5 + [0.3] * 4 + [4.0]:
        server.serve(seconds, tokens=50)
    server.waiting.labels("llama", "0").set(3)
    server.running.labels("llama", "0").set(7)
    server.cache.labels("llama", "0").set(0.25)
    harness.run(advance=10)
    assert shown(harness, "llama") == pytest.approx(
        {
            "latency_mean_seconds": 0.62,
            "latency_p95_seconds": 2.5 + 2.5 * 0.5,  # rank 9.5: half of the bucket from 2.5 to 5 s
            "latency_p99_seconds": 2.5 + 2.5 * 0.9,
            "first_token_mean_seconds": 0.062,
            "first_token_p95_seconds": 0.25 + 0.25 * 0.5,
            "requests_per_second": 1.0,
            "requests_total": 10,
            "tokens_per_second": 50,
            "tokens_total": 500,
            "requests_waiting": 3,
            "requests_running": 7,
            "cache_usage_ratio": 0.25,
        }
    )
    assert harness.value(metrics.SERVER_UP, server="here") == 1
    assert harness.part_failures == []


def test_engines_and_reasons_of_vllm_add_up(start, asked):
    server = start(Vllm)
    server.load("llama", "0")
    server.load("llama", "1")
    harness = asked("vllm", server)
    server.serve(1.0, engine="0")
    server.serve(3.0, engine="1", reason="length")
    server.cache.labels("llama", "0").set(0.2)
    server.cache.labels("llama", "1").set(0.6)
    server.waiting.labels("llama", "0").set(1)
    server.waiting.labels("llama", "1").set(2)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert found["requests_total"] == 2
    assert found["latency_mean_seconds"] == 2.0
    assert found["requests_waiting"] == 3
    assert found["cache_usage_ratio"] == pytest.approx(0.4)


def test_triton(start, asked):
    server = start(Triton)
    server.load("resnet")
    server.load("bert")
    server.gpu.labels("GPU-a").set(0.5)
    server.gpu.labels("GPU-b").set(0.7)
    harness = asked("triton", server)
    for _ in range(4):
        server.serve(0.05)
    server.failure.labels("resnet", "1", "BACKEND").set(2)
    server.pending.labels("resnet", "1").set(6)
    server.summary.labels("resnet", "1", "0.95").set(70_000)
    server.summary.labels("resnet", "1", "0.99").set(90_000)
    harness.run(advance=2)
    assert shown(harness, "resnet") == pytest.approx(
        {
            "latency_mean_seconds": 0.05,
            "latency_p95_seconds": 0.07,
            "latency_p99_seconds": 0.09,
            "requests_per_second": 2.0,
            "requests_total": 4,
            "request_failures_total": 2,
            "requests_waiting": 6,
            "accelerator_utilization_ratio": 0.6,
        }
    )
    idle = shown(harness, "bert")
    assert idle["requests_per_second"] == 0
    assert "latency_mean_seconds" not in idle


def test_quantiles_that_triton_reckons_are_shown_only_where_it_served_something(start, asked):
    server = start(Triton)
    server.load("resnet")
    server.summary.labels("resnet", "1", "0.95").set(70_000)
    harness = asked("triton", server)
    harness.run(advance=10)
    assert "latency_p95_seconds" not in shown(harness, "resnet")
    server.serve(0.05)
    harness.run(advance=10)
    assert shown(harness, "resnet")["latency_p95_seconds"] == pytest.approx(0.07)


def test_tgi_has_the_name_of_the_server_for_its_model(start, asked):
    server = start(Tgi)
    harness = asked("tgi", server)
    server.serve(0.3, tokens=20)
    server.serve(0.5, tokens=40)
    server.failure.labels("overloaded").set(1)
    server.queue.set(2)
    server.batch.set(4)
    harness.run(advance=4)
    found = shown(harness, "here")
    assert found["latency_mean_seconds"] == pytest.approx(0.4)
    assert found["latency_p95_seconds"] == pytest.approx(0.25 + 0.25 * 0.95)
    assert found["requests_per_second"] == 0.5
    assert found["tokens_per_second"] == 15
    assert (found["requests_total"], found["request_failures_total"], found["tokens_total"]) == (2, 1, 60)
    assert (found["requests_waiting"], found["requests_running"]) == (2, 4)


def test_a_model_may_be_called_otherwise(start, asked):
    server = start(Vllm)
    server.load("a")
    server.load("b")
    harness = asked("vllm", server, model="chat")
    server.serve(1.0, "a")
    server.serve(2.0, "b")
    harness.run(advance=10)
    assert set(harness.series(metrics.REQUESTS)) == {("chat",)}
    assert harness.value(metrics.LATENCY_MEAN, model="chat") == 1.5


def test_only_models_that_are_asked_for_are_shown(start, asked):
    server = start(Vllm)
    for model in ("llama-8b", "llama-70b", "draft"):
        server.load(model)
    harness = asked("vllm", server, models=["llama-*"])
    harness.run(advance=10)
    assert set(harness.series(metrics.REQUESTS)) == {("llama-8b",), ("llama-70b",)}


MAPPING = {
    "model_label": "net",
    "layer_label": "op",
    "latency": {"sample": "ocr_latency_ms", "scale": 0.001},
    "utilization": {"sample": "ocr_npu_busy_percent", "scale": 0.01},
    "layer_latency": {"sample": "ocr_layer_ms", "scale": 0.001},
    "waiting": ["ocr_backlog", {"sample": "ocr_queue", "labels": {"kind": "new"}}],
}


def test_a_server_of_ones_own_with_a_mapping(start, asked):
    server = start(Custom)
    server.latency.labels("pages")
    harness = asked("prometheus", server, mapping=MAPPING, type="ocr", quantization="int8", acceleration="npu")
    for milliseconds in (5, 15, 15, 45):
        server.latency.labels("pages").observe(milliseconds)
    server.busy.set(45)
    server.queue.labels("pages", "new").set(3)
    server.queue.labels("pages", "old").set(9)
    for number, name in enumerate(("conv1", "conv2", "softmax"), 1):
        server.layers.labels("pages", name).set(number)
    harness.run(advance=4)
    assert shown(harness, "pages") == pytest.approx(
        {
            "latency_mean_seconds": 0.020,
            "latency_p95_seconds": 0.02 + 0.03 * 0.8,
            "latency_p99_seconds": 0.02 + 0.03 * 0.96,
            "requests_per_second": 1.0,
            "requests_total": 4,
            "requests_waiting": 3,
            "accelerator_utilization_ratio": 0.45,
        }
    )
    layers = {"conv1": 0.001, "conv2": 0.002, "softmax": 0.003}
    assert {layer: value for (_, layer), value in harness.series(metrics.LAYER_LATENCY).items()} == layers
    assert harness.value(metrics.INFO, model="pages", type="ocr", quantization="int8", acceleration="npu") == 1


def test_layers_are_bounded_and_the_rest_is_told(start, inference):
    server = start(Custom)
    options = {"name": "ocr", "source": "prometheus", "url": server.url, "mapping": MAPPING}
    for number in range(10):
        server.layers.labels("pages", f"op{number}").set(1)
    harness = inference(options, max_layers=4)
    harness.run()
    assert len(harness.series(metrics.LAYER_LATENCY)) == 4
    (failure,) = harness.part_failures
    assert "10 layers" in str(failure.error)
    assert "max_layers" in str(failure.error)


def test_replicas_of_a_model_add_up(start, inference):
    servers = [start(Vllm), start(Vllm)]
    harness = inference(*({"name": f"s{i}", "source": "vllm", "url": s.url} for i, s in enumerate(servers)))
    for server in servers:
        server.load("llama")
    harness.run()
    servers[0].serve(0.2)
    servers[1].serve(0.2)
    servers[1].serve(0.8)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert found["requests_total"] == 3
    assert found["requests_per_second"] == pytest.approx(0.3)
    assert found["latency_mean_seconds"] == pytest.approx(0.4)
    servers[0].stop()
    harness.run(advance=10)
    assert shown(harness, "llama")["requests_total"] == 3, "a counter does not fall because a server is gone"
    assert harness.value(metrics.SERVER_UP, server="s0") == 0
    servers[0].stop = lambda: None


def test_replicas_with_other_buckets_have_a_mean_but_no_quantile(start, inference, monkeypatch):
    one = start(Vllm)
    monkeypatch.setattr("tests.plugins.inference.modelservers.SECONDS", (1.0, 2.0))
    other = start(Vllm)
    harness = inference(*({"name": f"s{i}", "source": "vllm", "url": s.url} for i, s in enumerate((one, other))))
    for server in (one, other):
        server.load("llama")
    harness.run()
    for server in (one, other):
        server.serve(0.5)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert found["latency_mean_seconds"] == 0.5
    assert "latency_p95_seconds" not in found


def test_a_server_that_is_not_what_it_is_said_to_be(start, asked):
    server = start(Tgi)
    harness = asked("vllm", server)
    (failure,) = harness.part_failures
    assert isinstance(failure.error, NotAvailable)
    assert "none of the metrics of vllm" in str(failure.error)
    assert harness.value(metrics.SERVER_UP, server="here") == 1


def test_too_many_models_are_refused_with_the_option_that_helps(start, asked):
    server = start(Vllm)
    for number in range(70):
        server.load(f"m{number}")
    harness = asked("vllm", server)
    assert harness.series(metrics.REQUESTS) == {}
    (failure,) = harness.part_failures
    assert "70 models" in str(failure.error)
    assert "`models`" in failure.error.fix

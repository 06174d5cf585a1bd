"""What programs push of their models: shown at once, completed, expired, and nothing that is no sane number."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import Context
from collector_plugins.inference import Inference, metrics
from collector_plugins.inference.config import Config
from collector_plugins.inference.pushed import Pushed
from tests.plugins.inference.conftest import shown
from tests.plugins.inference.modelservers import Vllm

PUSH = {"name": "edge", "source": "push"}
METRICS = {
    "inference_latency_mean_seconds": 0.2,
    "inference_latency_p95_seconds": 0.4,
    "inference_latency_p99_seconds": 0.6,
    "inference_first_token_mean_seconds": 0.05,
    "inference_first_token_p95_seconds": 0.08,
    "inference_requests_per_second": 12.5,
    "inference_requests_total": 1000,
    "inference_request_failures_total": 3,
    "inference_tokens_per_second": 900,
    "inference_tokens_total": 70000,
    "inference_requests_waiting": 2,
    "inference_requests_running": 4,
    "inference_cache_usage_ratio": 0.4,
    "inference_accelerator_utilization_ratio": 0.75,
}
ALL = {name.removeprefix("inference_"): value for name, value in METRICS.items()}


def push(harness, name, body):
    harness.collector._inbox.put(name, json.dumps(body).encode())


def test_every_field_becomes_its_metric(inference):
    harness = inference(PUSH)
    more = {"layer_latency_seconds": {"conv1": 0.001}, "type": "cnn", "quantization": "int8", "acceleration": "npu"}
    push(harness, "edge", ALL | more)
    harness.run()
    assert shown(harness, "edge") == ALL
    for name, value in METRICS.items():
        assert f'\n{name}{{model="edge"}} {float(value)}\n' in harness.exposition()
    assert harness.value(metrics.LAYER_LATENCY, model="edge", layer="conv1") == 0.001
    assert harness.value(metrics.INFO, model="edge", type="cnn", quantization="int8", acceleration="npu") == 1
    assert harness.value(metrics.SERVER_UP, server="edge") == 1


def test_it_expires(inference):
    harness = inference(PUSH, push={"expires_after": "30s"})
    push(harness, "edge", {"latency_mean_seconds": 0.2})
    harness.run(advance=29)
    assert harness.value(metrics.LATENCY_MEAN, model="edge") == 0.2
    harness.run(advance=2)
    assert shown(harness, "edge") == {}
    assert harness.value(metrics.SERVER_UP, server="edge") == 0


def test_it_completes_what_a_server_says_of_the_same_model(start, inference):
    server = start(Vllm)
    server.load("llama")
    harness = inference({"name": "a", "source": "vllm", "url": server.url}, PUSH | {"model": "llama"})
    push(harness, "edge", {"requests_waiting": 99, "layer_latency_seconds": {"attention.0": 0.002}})
    server.waiting.labels("llama", "0").set(1)
    harness.run()
    assert harness.value(metrics.WAITING, model="llama") == 1
    assert harness.value(metrics.LAYER_LATENCY, model="llama", layer="attention.0") == 0.002


def test_servers_that_are_down_do_not_end_the_runs_of_those_that_may_push(start, inference):
    server = start(Vllm)
    harness = inference({"name": "a", "source": "vllm", "url": server.url}, PUSH)
    server.stop()
    server.stop = lambda: None
    harness.run()
    assert harness.series(metrics.SERVER_UP) == {("a",): 0, ("edge",): 0}
    push(harness, "edge", {"latency_mean_seconds": 0.2})
    harness.run(advance=1)
    assert harness.value(metrics.LATENCY_MEAN, model="edge") == 0.2


def test_a_pushed_counter_goes_on_when_its_program_is_started_anew_and_ignores_a_slip(inference):
    harness = inference(PUSH)
    for tokens in (100, 150, 0, 180, 20, 30):
        push(harness, "edge", {"tokens_total": tokens})
        harness.run(advance=5)
    assert harness.value(metrics.TOKENS, model="edge") == 180 + 30


def test_a_push_wakes_the_collector():
    woken = []
    context = Context(name="inference", logger=logging.getLogger("test"), wake=lambda: woken.append(1))
    Inference(Config.model_validate({"servers": [PUSH]}), context)._inbox.put("edge", b'{"tokens_total": 1}')
    assert woken == [1]


def test_without_a_server_that_pushes_there_is_no_route(inference):
    assert inference({"name": "a", "source": "vllm", "url": "http://127.0.0.1:9"}).collector.collector_routes() == []
    (route,) = inference(PUSH).collector.collector_routes()
    assert route.path == "/api/v1/push/inference/{name}"


def test_its_fields_are_called_as_the_metrics_are():
    numbers = {metric.name.removeprefix("inference_") for metric in metrics.BY_MODEL} - {"energy_per_request_joules"}
    words = {"type", "quantization", "acceleration"}
    assert set(Pushed.model_fields) == numbers | {"layer_latency_seconds"} | words
    assert Inference.metrics[-3:] == (metrics.LAYER_LATENCY, metrics.INFO, metrics.SERVER_UP)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ()),
        ({"latency_mean_seconds": -1}, ("latency_mean_seconds",)),
        ({"cache_usage_ratio": 1.5}, ("cache_usage_ratio",)),
        ({"layer_latency_seconds": {"a": "slow"}}, ("layer_latency_seconds", "a")),
        ({"latency": 1}, ("latency",)),
    ],
)
def test_what_is_no_sane_reading_is_refused_by_its_name(body, field):
    with pytest.raises(ValidationError) as caught:
        Pushed.model_validate(body)
    assert caught.value.errors()[0]["loc"] == field


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just({}))


@given(st.dictionaries(st.sampled_from(sorted(Pushed.model_fields)), values))
def test_whatever_is_taken_is_a_number_that_may_be_published(body):
    try:
        pushed = Pushed.model_validate(body)
    except ValidationError:
        return
    numbers = [value for value in pushed.model_dump().values() if isinstance(value, float)]
    assert all(0 <= number <= 1e15 for number in numbers)

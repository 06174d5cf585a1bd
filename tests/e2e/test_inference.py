"""The whole program with a real Prometheus endpoint that has vLLM's names, and with programs that push."""

import json
import urllib.error
import urllib.request

import pytest

from tests.plugins.inference.modelservers import Vllm

MODEL = '{model="llama"}'
PUSHED = '{model="edge"}'
CONFIG = """
collectors:
  inference:
    interval: 200ms
    options:
      servers:
        - {{name: chat, source: vllm, url: "{url}", type: llm, quantization: fp8, acceleration: cuda}}
        - {{name: edge, source: push}}
      push: {{token: canary-5b7e, expires_after: 2s}}
"""


@pytest.fixture
def vllm():
    server = Vllm()
    server.load("llama")
    yield server
    server.stop()


def post(program, path, body, **headers):
    """What a POST is answered: the status and the JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"http://127.0.0.1:{program.port}{path}"
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_what_is_served_now_is_shown_and_a_server_that_goes_is_told(vllm, collector, eventually):
    program = collector(CONFIG.format(url=vllm.url))
    eventually(lambda: program.samples().get(f"inference_requests_per_second{MODEL}") == 0)
    assert f"inference_latency_mean_seconds{MODEL}" not in program.samples()
    for _ in range(20):
        vllm.serve(0.2)
    eventually(lambda: program.samples()[f"inference_requests_total{MODEL}"] == 20)
    eventually(lambda: f"inference_latency_mean_seconds{MODEL}" not in program.samples())
    info = 'inference_info{acceleration="cuda",model="llama",quantization="fp8",type="llm"}'
    assert program.samples()[info] == 1
    vllm.stop()
    eventually(lambda: program.samples()['inference_server_up{server="chat"}'] == 0)
    assert f"inference_requests_total{MODEL}" not in program.samples()
    assert program.samples()['collector_up{collector="inference",plugin="inference"}'] == 1
    assert "Connection refused" in program.log
    vllm.stop = lambda: None


def test_a_push_is_shown_and_expires(vllm, collector, eventually):
    program = collector(CONFIG.format(url=vllm.url))
    path = "/api/v1/push/inference/edge"
    status, answer = post(program, path, {"latency_mean_seconds": 0.012, "requests_per_second": 80})
    assert (status, answer) == (202, {"status": "accepted", "expires_in_seconds": 2.0})
    eventually(lambda: program.samples().get(f"inference_latency_mean_seconds{PUSHED}") == 0.012)
    assert program.samples()['inference_server_up{server="edge"}'] == 1
    eventually(lambda: f"inference_latency_mean_seconds{PUSHED}" not in program.samples())
    assert program.samples()['inference_server_up{server="edge"}'] == 0


def test_what_is_no_push_is_refused_with_the_reason(vllm, collector):
    program = collector(CONFIG.format(url=vllm.url))
    path, good = "/api/v1/push/inference/edge", {"requests_waiting": 1}
    assert post(program, path, good, Authorization="Bearer canary-5b7e")[0] == 202
    for body, field in (
        ({"latency_mean_seconds": -1}, "latency_mean_seconds"),
        ({"layer_latency_seconds": {"conv1": "slow"}}, "layer_latency_seconds.conv1"),
        ({"latency": 1}, "latency"),
    ):
        status, answer = post(program, path, body)
        assert (status, answer["field"]) == (400, field)
    assert post(program, path, b"no json")[0] == 400
    assert post(program, path, {"type": "x" * 100_000})[0] == 413
    assert post(program, path, good, Authorization="Bearer wrong")[0] == 401
    status, answer = post(program, "/api/v1/push/inference/other", good)
    assert (status, answer["fix"]) == (404, "add it to the configuration")
    assert "canary-5b7e" not in program.log + program.request("/").text + program.request("/metrics").text


def test_once_shows_rates_of_the_second_between_its_two_looks(vllm, command, tmp_path):
    vllm.serve(0.2)
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(url=vllm.url))
    done = command("once", "inference", "--config", config)
    assert done.returncode == 0, done.stderr
    assert f"\ninference_requests_total{MODEL} 1.0\n" in done.stdout
    assert f"\ninference_requests_per_second{MODEL} 0.0\n" in done.stdout


def test_once_without_servers_says_how_to_name_one(command):
    done = command("once", "inference")
    assert done.returncode == 1
    assert "servers:" in done.stderr

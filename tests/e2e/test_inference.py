"""The whole program with a real Prometheus endpoint that has vLLM's names, and with programs that push."""

import json
import urllib.error
import urllib.request

import pytest

from tests.plugins.inference.modelservers import Vllm

MODEL = '{model="llama"}'
PUSHED = '{model="edge"}'
RUNS = 'collector_runs_total{collector="inference",plugin="inference",result="ok"}'
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
    eventually(lambda: "start the server, or correct its `url`" in program.log)
    vllm.stop = lambda: None


def test_quantiles_and_totals_are_those_that_prometheus_reckons(vllm, collector, prometheus, eventually):
    """Prometheus scrapes the same server; all of its requests are in one window of ours, which began at none."""
    program = collector(CONFIG.format(url=vllm.url).replace("200ms", "2s"))
    get = prometheus(vllm.port)
    eventually(lambda: f"inference_requests_per_second{MODEL}" in program.samples())
    runs = program.samples()[RUNS]
    eventually(lambda: program.samples()[RUNS] > runs)  # a window has just begun: all of it goes into that one
    for number in range(200):
        vllm.serve(0.05 + 0.03 * number)
    eventually(lambda: f"inference_latency_p95_seconds{MODEL}" in program.samples())
    ours = program.samples()

    def theirs(query):
        found = (get("/api/v1/query", query=query) or {"result": []})["result"]
        return float(found[0]["value"][1]) if found else None

    def family(suffix):  # the colon may have become an underscore on the way
        return f'{{__name__=~"vllm.e2e_request_latency_seconds_{suffix}"}}'

    eventually(lambda: theirs(f"sum({family('count')})") == 200)
    for name, q in (("p95", 0.95), ("p99", 0.99)):
        expected = theirs(f"histogram_quantile({q}, sum by (le) ({family('bucket')}))")
        assert ours[f"inference_latency_{name}_seconds{MODEL}"] == pytest.approx(expected, rel=1e-9)
    mean = theirs(f"sum({family('sum')}) / sum({family('count')})")
    assert ours[f"inference_latency_mean_seconds{MODEL}"] == pytest.approx(mean, rel=1e-9)
    assert ours[f"inference_requests_total{MODEL}"] == theirs('sum({__name__=~"vllm.request_success_total"})')


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
    assert "canary-5b7e" not in program.log + program.request("/collectors").text + program.request("/metrics").text


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

"""Pages as servers of every kind write them: which numbers are whose, and what is no page at all."""

from __future__ import annotations

import pytest

from collector_core import NotAvailable
from collector_core.testing import FakeClock
from collector_plugins.inference import metrics
from tests.plugins.inference.conftest import Gpu, says, says_in_turn, shown


def histogram(name, labels, count, total):
    """Of observations that all lie in one bucket."""
    return f"""# TYPE {name} histogram
{name}_bucket{{{labels}le="0.5"}} 0
{name}_bucket{{{labels}le="2.5"}} {count}
{name}_bucket{{{labels}le="+Inf"}} {count}
{name}_sum{{{labels}}} {total}
{name}_count{{{labels}}} {count}
"""


@pytest.fixture
def two_looks(answering, inference):
    """What is shown of a model after a page, and ten seconds later another one."""

    def look(source, model, *pages, **options):
        left = [page.encode() if isinstance(page, str) else page for page in pages]
        server = answering(says_in_turn(left))
        harness = inference({"name": "here", "source": source, "url": server.url, **options})
        for _ in pages:
            harness.run(advance=10)
        assert harness.part_failures == []
        assert harness.value(metrics.SERVER_UP, server="here") == 1
        return shown(harness, model)

    return look


def vllm(prefix, stop, tool, aborted, failed, tokens):
    one, two = (f'engine="{engine}",model_name="org/m-8b"' for engine in "01")
    return f"""# HELP {prefix}request_success_total Count of successfully processed requests.
# TYPE {prefix}request_success_total counter
{prefix}request_success_total{{{one},finished_reason="stop"}} {stop}
{prefix}request_success_total{{{two},finished_reason="tool_calls"}} {tool}
{prefix}request_success_total{{{one},finished_reason="abort"}} {aborted}
{prefix}request_success_total{{{two},finished_reason="error"}} {failed}
{prefix}generation_tokens_total{{{one}}} {tokens}
{prefix}generation_tokens_total{{{two}}} {tokens}
{prefix}num_requests_running{{{one}}} 3
{prefix}num_requests_running{{{two}}} 4
{prefix}kv_cache_usage_perc{{{one}}} 0.2
{prefix}kv_cache_usage_perc{{{two}}} NaN
{histogram(f"{prefix}e2e_request_latency_seconds", one + ",", stop + tool, stop + tool)}"""


@pytest.mark.parametrize("prefix", ["vllm:", "ray_vllm:", "ray_vllm_"])
def test_vllm_with_and_without_ray(two_looks, prefix):
    found = two_looks("vllm", "org/m-8b", vllm(prefix, 10, 1, 50, 2, 100), vllm(prefix, 40, 11, 90, 5, 600))
    assert found["requests_total"] == 51
    assert found["requests_per_second"] == 4
    assert found["request_failures_total"] == 5
    assert (found["tokens_total"], found["tokens_per_second"]) == (1200, 100)
    assert (found["requests_running"], found["cache_usage_ratio"]) == (7, 0.2)
    assert found["latency_mean_seconds"] == 1


def sglang(requests, aborted, tokens):
    ranks = [f'dp_rank="{rank}",engine_type="unified",model_name="org/moe",tp_rank="{rank}"' for rank in range(2)]
    streams = [f'is_streaming="{each}",model_name="org/moe"' for each in ("true", "false")]
    lines = [f"sglang:num_running_reqs{{{rank}}} 6\nsglang:token_usage{{{rank}}} 0.3\n" for rank in ranks]
    lines += [f"sglang:num_queue_reqs{{{rank}}} 1\n" for rank in ranks]
    lines += [f"sglang:num_requests_total{{{stream}}} {requests / 2}\n" for stream in streams]
    lines += [f"sglang:generation_tokens_total{{{stream}}} {tokens / 2}\n" for stream in streams]
    lines.append(f'sglang:num_aborted_requests_total{{model_name="org/moe"}} {aborted}\n')
    lines.append(histogram("sglang:e2e_request_latency_seconds", streams[0] + ",", requests, 2 * requests))
    return "".join(lines)


def test_sglang_with_ranks(two_looks):
    found = two_looks("sglang", "org/moe", sglang(100, 20, 1000), sglang(160, 30, 4000))
    assert (found["requests_total"], found["requests_per_second"]) == (130, 5)
    assert (found["tokens_total"], found["tokens_per_second"]) == (4000, 300)
    assert (found["requests_running"], found["requests_waiting"], found["cache_usage_ratio"]) == (12, 2, 0.3)
    assert found["latency_mean_seconds"] == 2
    assert "request_failures_total" not in found


@pytest.mark.parametrize(
    ("dp_ranks", "running"),
    [(["0", "0", "0", "0"], 6), (["0", "1", "2", "3"], 24), (["0", "0", "1", "1"], 12), ([None] * 4, 24)],
    ids=["tensor parallel", "data parallel", "both", "not told"],
)
def test_ranks_of_sglang_that_tell_the_same_count_once(two_looks, dp_ranks, running):
    page = ""
    for rank, dp_rank in enumerate(dp_ranks):
        dp = f'dp_rank="{dp_rank}",' if dp_rank else ""
        labels = f'{dp}model_name="org/moe",pid="{900 + rank}",tp_rank="{rank}"'
        page += f"sglang:num_running_reqs{{{labels}}} 6\nsglang:token_usage{{{labels}}} 0.3\n"
    found = two_looks("sglang", "org/moe", page)
    assert (found["requests_running"], found["cache_usage_ratio"]) == (running, pytest.approx(0.3))


def test_a_page_without_the_label_of_the_model_is_about_one(two_looks):
    page = "vllm:generation_tokens_total 7\nvllm:num_requests_running 2\n"
    assert two_looks("vllm", "here", page) == {"tokens_total": 7, "requests_running": 2}


def test_models_of_llamacpp_that_are_told_apart(two_looks):
    pages = ["".join(f'llamacpp:tokens_predicted_total{{model="{m}"}} {n}\n' for m in "ab") for n in (10, 60)]
    assert two_looks("llamacpp", "b", *pages) == {"tokens_total": 60, "tokens_per_second": 5}


def llamacpp(tokens):
    return f"""# HELP llamacpp:tokens_predicted_total Number of generation tokens processed.
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total {tokens}
llamacpp:prompt_tokens_seconds -nan
llamacpp:requests_processing 2
llamacpp:requests_deferred 5
llamacpp:kv_cache_usage_ratio inf
"""


def test_llamacpp(two_looks):
    found = two_looks("llamacpp", "here", llamacpp(300), llamacpp(800))
    assert found == {
        "tokens_total": 800,
        "tokens_per_second": 50,
        "requests_running": 2,
        "requests_waiting": 5,
    }


def tensorrt(stop, timeout, cancelled, tokens):
    labels = 'engine_type="trtllm",model_name="org/nemo"'
    return f"""# TYPE trtllm_request_success_total counter
trtllm_request_success_total{{{labels},finished_reason="stop"}} {stop}
trtllm_request_success_total{{{labels},finished_reason="timeout"}} {timeout}
trtllm_request_success_total{{{labels},finished_reason="cancelled"}} {cancelled}
trtllm_generation_tokens_total{{{labels}}} {tokens}
trtllm_kv_cache_utilization{{{labels}}} 0.4
trtllm_num_requests_running{{{labels}}} 8
trtllm_num_requests_waiting{{{labels}}} 1
{histogram("trtllm_e2e_request_latency_seconds", labels + ",", stop, 2 * stop)}
{histogram("trtllm_time_to_first_token_seconds", labels + ",", stop, 0.1 * stop)}"""


@pytest.mark.parametrize("prefix", ["trtllm_", "trtllm:"])
def test_tensorrt_llm(two_looks, prefix):
    pages = (tensorrt(10, 1, 3, 500), tensorrt(30, 3, 9, 2500))
    found = two_looks("tensorrt_llm", "org/nemo", *(page.replace("trtllm_", prefix) for page in pages))
    assert (found["requests_total"], found["requests_per_second"], found["request_failures_total"]) == (30, 2, 3)
    assert (found["tokens_per_second"], found["cache_usage_ratio"]) == (200, 0.4)
    assert (found["requests_running"], found["requests_waiting"]) == (8, 1)
    assert (found["latency_mean_seconds"], found["first_token_mean_seconds"]) == pytest.approx((2, 0.1))


def triton(served):
    return f"""nv_inference_request_success{{model="ensemble",version="1"}} {served}
nv_inference_request_failure{{model="ensemble",reason="BACKEND",version="1"}} 1
nv_trt_llm_request_metrics{{model="ensemble",request_type="waiting",version="1"}} 4
nv_trt_llm_request_metrics{{model="ensemble",request_type="scheduled",version="1"}} 9
nv_trt_llm_request_metrics{{model="ensemble",request_type="max",version="1"}} 512
nv_trt_llm_kv_cache_block_metrics{{kv_cache_block_type="fraction",model="ensemble",version="1"}} 0.7
nv_trt_llm_kv_cache_block_metrics{{kv_cache_block_type="max",model="ensemble",version="1"}} 4711
"""


def test_triton_with_tensorrt_llm(two_looks):
    found = two_looks("triton", "ensemble", triton(5), triton(25))
    assert found == {
        "requests_total": 25,
        "requests_per_second": 2,
        "request_failures_total": 1,
        "requests_waiting": 4,
        "requests_running": 9,
        "cache_usage_ratio": 0.7,
    }


def test_tgi_counts_failures_apart(two_looks):
    pages = [
        f'tgi_request_success {n}\ntgi_request_failure{{err="busy"}} {n}\ntgi_request_generated_tokens_sum {9 * n}\n'
        for n in (10, 20)
    ]
    found = two_looks("tgi", "here", *pages)
    assert (found["requests_total"], found["request_failures_total"], found["tokens_per_second"]) == (20, 20, 9)


OLLAMA = {
    "an exporter that counts errors": """ollama_requests_total{{model="qwen3:8b"}} {n}
ollama_requests_failed_total{{error_type="timeout",model="qwen3:8b"}} 2
ollama_tokens_generated_total{{model="qwen3:8b"}} {tokens}
ollama_inflight_requests{{model="qwen3:8b"}} 3
""",
    "a proxy that tells the status": """ollama_requests_total{{model="qwen3:8b",type="chat"}} 999
ollama_responses_total{{model="qwen3:8b",status="success",type="chat"}} {n}
ollama_responses_total{{model="qwen3:8b",status="error",type="chat"}} 2
ollama_completion_tokens_total{{model="qwen3:8b"}} {tokens}
ollama_active_requests{{endpoint="/api/chat",model="qwen3:8b"}} 3
""",
}


@pytest.mark.parametrize("exporter", OLLAMA)
def test_exporters_of_ollama(two_looks, exporter):
    pages = [OLLAMA[exporter].format(n=n, tokens=100 * n) for n in (10, 30)]
    found = two_looks("ollama", "qwen3:8b", *pages)
    assert found == {
        "requests_total": 30,
        "requests_per_second": 2,
        "request_failures_total": 2,
        "tokens_total": 3000,
        "tokens_per_second": 200,
        "requests_running": 3,
    }


def test_a_mapping_tells_outcomes_apart(two_looks):
    mapping = {
        "requests": {"sample": "jobs_total", "without": {"state": ["gone", "failed"]}},
        "failures": {"sample": "jobs_total", "labels": {"state": ["failed", "lost"]}},
    }
    page = "".join(f'jobs_total{{state="{state}"}} {n}\n' for state, n in (("ok", 7), ("gone", 5), ("failed", 3)))
    found = two_looks("prometheus", "here", page, mapping=mapping)
    assert found == {"requests_total": 7, "request_failures_total": 3}


NO_PAGES = {
    "a JSON string": b'"# HELP llamacpp:tokens_predicted_total N.\\nllamacpp:tokens_predicted_total 1\\n"',
    "a JSON list": b'["llamacpp:tokens_predicted_total 1"]',
    "JSON over lines": b'{\n  "tokens": 12,\n  "requests": 3\n}\n',
    "an HTML page": b"<!doctype html>\n<html>\n<style>\nbody { margin: 0 }\nh1{color:red}\n</style>\n</html>\n",
    "a sentence": b"Ollama is running",
    "binary data": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("what", NO_PAGES)
def test_what_is_no_page_is_a_server_that_is_down(answering, inference, what):
    good, bad = answering(says(200, llamacpp(1).encode())), answering(says(200, NO_PAGES[what]))
    urls = {"good": good.url, "bad": bad.url}
    harness = inference(*({"name": name, "source": "llamacpp", "url": url} for name, url in urls.items()))
    harness.run()
    assert harness.series(metrics.SERVER_UP) == {("good",): 1, ("bad",): 0}
    assert [failure.error.reason for failure in harness.part_failures] == ["bad_data"]


@pytest.mark.parametrize("page", [b"", b"\n\n", b"# HELP other Other.\nother 1\n", b'{"process.cpu", x="y"} 1\n'])
def test_a_page_without_what_is_wanted_is_a_server_that_is_up(answering, inference, page):
    server = answering(says(200, page))
    harness = inference({"name": "a", "source": "tgi", "url": server.url})
    harness.run()
    assert harness.value(metrics.SERVER_UP, server="a") == 1
    assert [failure.error.reason for failure in harness.part_failures] == ["not_found"]


def test_a_line_that_cannot_be_read_costs_one_reading_and_is_named(answering, inference):
    page = llamacpp(5).replace("llamacpp:requests_deferred 5", "llamacpp:requests_deferred ?")
    harness = inference({"name": "a", "source": "llamacpp", "url": answering(says(200, page.encode())).url})
    harness.run()
    assert shown(harness, "a") == {"tokens_total": 5, "requests_running": 2}
    assert harness.value(metrics.SERVER_UP, server="a") == 1
    (failure,) = harness.part_failures
    assert "left out: line" in str(failure.error)


def test_a_page_of_many_megabytes_is_read(answering, inference):
    wide = b'vllm:cache_config_info{engine="0",overrides="' + b"x" * (5 << 20) + b'"} 1\n'
    page = wide + b"other_bucket 1\n" * 200_000 + b'vllm:num_requests_running{model_name="big"} 2\n'
    server = answering(says(200, page))
    harness = inference({"name": "a", "source": "vllm", "url": server.url})
    harness.run()
    assert harness.value(metrics.RUNNING, model="big") == 2


def test_a_page_above_the_limit_names_the_limit(answering, inference):
    server = answering(says(200, b"#" * (2 << 20)))
    with pytest.raises(NotAvailable, match="longer than the limit of 1 MiB") as caught:
        inference({"name": "a", "source": "vllm", "url": server.url}, max_page_mib=1).run()
    assert "raise `max_page_mib`" in caught.value.fix


def test_a_page_behind_a_slash_is_read_with_its_token(answering, inference):
    def behind(handler):
        moved = not handler.path.endswith("/")
        says(307, Location="/metrics/")(handler) if moved else says(200, llamacpp(5).encode())(handler)

    server = answering(behind)
    harness = inference({"name": "a", "source": "llamacpp", "url": server.url, "token": "canary"})
    harness.run()
    assert harness.value(metrics.TOKENS, model="a") == 5
    assert [headers["Authorization"] for _, headers in server.asked] == ["Bearer canary"] * 2


def test_a_page_on_another_port_is_not_read_and_the_remedy_says_so(answering, inference):
    other = answering(says(200, llamacpp(5).encode()))
    server = answering(says(307, Location=other.url))
    with pytest.raises(NotAvailable) as caught:
        inference({"name": "a", "source": "llamacpp", "url": server.url, "token": "canary"}).run()
    assert "on another host or port" in caught.value.fix
    assert other.asked == []


def test_joules_per_token_need_no_count_of_requests(answering, inference):
    pages = [llamacpp(100).encode(), llamacpp(1600).encode()]
    server = answering(says_in_turn(pages))
    gpu = Gpu(FakeClock(), watts=300.0)
    source = {"name": "a", "source": "llamacpp", "url": server.url}
    harness = inference(source, clock=gpu.clock, energy_meters=lambda: [gpu.meter])
    harness.run()
    assert harness.series(metrics.ENERGY_PER_TOKEN) == {}
    harness.run(advance=10)
    assert 'inference_energy_per_token_joules{model="a"} 2.0' in harness.exposition()
    assert harness.value(metrics.ENERGY, model="a") is None

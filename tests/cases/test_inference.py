"""What users of model servers met: the recorded pages come to what is right."""

import re

import pytest

from collector_core import NotAvailable
from collector_plugins.inference import metrics
from tests.plugins.inference.conftest import answering, inference, says, says_in_turn  # noqa: F401 - fixtures

LLAMACPP = {
    "tokens": "llamacpp:tokens_predicted_total",
    "running": "llamacpp:requests_processing",
    "waiting": "llamacpp:requests_deferred",
    "cache_usage": "llamacpp:kv_cache_usage_ratio",
}


@pytest.fixture
def read(answering, inference):  # noqa: F811
    """A harness that has read pages, one after the other."""

    def look(*pages, advance=15, **options):
        server = answering(says_in_turn(pages))
        harness = inference({"name": "here", "url": server.url, **options})
        for _ in pages:
            harness.run(advance=advance)
        return harness

    return look


@pytest.mark.parametrize("options", [{"source": "prometheus", "mapping": LLAMACPP}, {"source": "llamacpp"}])
def test_llamacpp_nan(case, read, options):
    harness = read((case("svc/llamacpp-nan") / "page.txt").read_bytes(), **options)
    found = [harness.value(metric, model="here") for metric in (metrics.TOKENS, metrics.RUNNING, metrics.WAITING)]
    assert (found, harness.value(metrics.CACHE_USAGE, model="here")) == ([673, 1, 2], None)


@pytest.mark.parametrize("wrap", [bytes, lambda page: b"[" + page + b"]", lambda page: b"<html>" + page + b"</html>"])
def test_llamacpp_page_as_json(case, answering, inference, wrap):  # noqa: F811
    bad = answering(says(200, wrap((case("svc/llamacpp-page-as-json") / "page.json").read_bytes())))
    good = answering(says(200, b"llamacpp:requests_deferred 1\n"))
    harness = inference(*({"name": n, "source": "llamacpp", "url": s.url} for n, s in (("bad", bad), ("good", good))))
    harness.run()
    assert harness.series(metrics.SERVER_UP) == {("bad",): 0, ("good",): 1}


@pytest.mark.parametrize("source", ["prometheus", "sglang"])
def test_sglang_ranks(case, read, source):
    names = {"model_label": "model_name", "running": "sglang:num_running_reqs", "cache_usage": "sglang:token_usage"}
    options = {"mapping": names} if source == "prometheus" else {}
    harness = read((case("svc/sglang-ranks") / "page.txt").read_bytes(), source=source, **options)
    assert harness.value(metrics.RUNNING, model="deepseek-r1") == 24
    assert harness.value(metrics.CACHE_USAGE, model="deepseek-r1") == 0.25


def test_triton_reasons_and_nan(case, read):
    harness = read((case("svc/triton-reasons-and-nan") / "page.txt").read_bytes(), source="triton")
    values = {m: harness.value(m, model="mistral7b") for m in (metrics.REQUESTS, metrics.FAILURES, metrics.UTILIZATION)}
    assert values == {metrics.REQUESTS: 20, metrics.FAILURES: 3, metrics.UTILIZATION: pytest.approx(0.6)}
    assert harness.value(metrics.LATENCY_P95, model="mistral7b") is None


def test_vllm_finished_reasons(case, read):
    folder = case("svc/vllm-finished-reasons")
    pages = [(folder / f"page-{number}.txt").read_bytes() for number in (1, 2)]
    first, second = read(pages[0], source="vllm"), read(*pages, source="vllm")
    wanted = (metrics.REQUESTS, metrics.FAILURES)
    assert [first.value(metric, model="Qwen/Qwen3-8B") for metric in wanted] == [105, 2]
    assert [second.value(metric, model="Qwen/Qwen3-8B") for metric in wanted] == [165, 5]
    assert second.value(metrics.REQUEST_RATE, model="Qwen/Qwen3-8B") == pytest.approx(4)


def test_vllm_large_page(case, read):
    lines = re.search(r"```\n(.*)```", (case("svc/vllm-large-page") / "page.md").read_text(), re.DOTALL)
    wide = b'vllm:cache_config_info{engine="0",hf_overrides="' + b"x" * 3_000_000 + b'"} 1.0\n'
    harness = read(wide + lines[1].encode(), source="vllm")
    assert harness.value(metrics.RUNNING, model="large") == 2


def test_metrics_behind_a_slash(case, answering, inference):  # noqa: F811
    answer = (case("svc/metrics-behind-a-slash") / "answer.http").read_text()
    location = re.search(r"location: (\S+)", answer)[1]

    def behind(handler):
        there = handler.path == location
        says(200, b"llamacpp:requests_deferred 1\n")(handler) if there else says(307, Location=location)(handler)

    harness = inference({"name": "here", "source": "llamacpp", "url": answering(behind).url})
    harness.run()
    assert harness.value(metrics.WAITING, model="here") == 1


def test_metrics_behind_a_slash_elsewhere(case, answering, inference):  # noqa: F811
    case("svc/metrics-behind-a-slash")
    other = answering(says(200, b"llamacpp:requests_deferred 1\n"))
    harness = inference({"name": "here", "source": "llamacpp", "url": answering(says(307, Location=other.url)).url})
    with pytest.raises(NotAvailable, match="307"):
        harness.run()
    assert other.asked == []

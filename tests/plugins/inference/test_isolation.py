"""One server that is down, slow, hostile or closed to us costs its own part and nothing else."""

from __future__ import annotations

import gzip
import time

import pytest

from collector_core import NotAvailable, reason_of
from collector_core.prometheus_text import read_families
from collector_plugins.inference import metrics
from tests.plugins.inference.conftest import says, says_in_turn, shown
from tests.plugins.inference.modelservers import Vllm

TOKEN = "canary-91c2"
GOOD = b'vllm:num_requests_waiting{model_name="llama"} 3\n'


def hangs(handler):
    time.sleep(2)


def drips(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b"# \n")
        handler.wfile.flush()
        time.sleep(0.1)


def floods(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(4096):
        handler.wfile.write(b"#" * 1023 + b"\n")


def hangs_up(handler):
    handler.close_connection = True


FAULTS = {
    "hangs": (hangs, "timeout"),
    "drips": (drips, "timeout"),
    "floods": (floods, "bad_data"),
    "hangs up": (hangs_up, "unreachable"),
    "has no such page": (says(404), "not_found"),
    "fails": (says(500), "unreachable"),
    "wants a token": (says(401), "auth"),
    "forbids": (says(403), "auth"),
    "sends elsewhere": (says(302, Location="http://127.0.0.1:9/metrics"), "bad_data"),
    "is a bomb": (says(200, gzip.compress(b"#" * 10_000_000), Content_Encoding="gzip"), "bad_data"),
    "speaks no HTTP": (lambda handler: handler.wfile.write(b"\0\1\2\3\r\n\r\n"), "bad_data"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_leaves_the_others(fault, start, answering, inference):
    behaviour, reason = FAULTS[fault]
    good, bad = start(Vllm), answering(behaviour)
    good.load("llama")
    harness = inference(
        {"name": "bad", "source": "vllm", "url": bad.url, "timeout": 0.5},
        {"name": "good", "source": "vllm", "url": good.url},
        max_page_mib=1,
    )
    harness.run()
    assert shown(harness, "llama")["requests_total"] == 0
    assert harness.series(metrics.SERVER_UP) == {("bad",): 0, ("good",): 1}
    (failure,) = harness.part_failures
    assert failure.labels == {"server": "bad"}
    assert reason_of(failure.error) == reason
    assert failure.error.fix


@pytest.mark.parametrize("body", [b"\xff\xfe", b"vllm:num_requests_waiting{ 1\n"], ids=["no text", "cut off"])
def test_an_answer_that_cannot_be_read_is_a_part_that_fails(body, start, answering, inference):
    bad, good = answering(says(200, body)), answering(says(200, GOOD))
    servers = ({"name": name, "source": "vllm", "url": each.url} for name, each in (("bad", bad), ("good", good)))
    harness = inference(*servers)
    harness.run()
    assert harness.value(metrics.WAITING, model="llama") == 3
    assert [failure.labels for failure in harness.part_failures] == [{"server": "bad"}]


def test_what_nobody_thought_of_is_a_part_that_fails(answering, inference, monkeypatch):
    server = answering(says(200, GOOD))
    harness = inference(*({"name": name, "source": "vllm", "url": server.url} for name in ("bad", "good")))
    bad, _ = harness.collector._servers
    monkeypatch.setattr(bad, "fetch", lambda *_: 1 / 0)
    harness.run()
    assert harness.series(metrics.SERVER_UP) == {("bad",): 0, ("good",): 1}
    assert [type(failure.error) for failure in harness.part_failures] == [ZeroDivisionError]


def test_all_down_is_not_available_with_what_to_do(inference, start):
    servers = [start(Vllm), start(Vllm)]
    harness = inference(*({"name": f"s{i}", "source": "vllm", "url": s.url} for i, s in enumerate(servers)))
    for server in servers:
        server.stop()
        server.stop = lambda: None
    with pytest.raises(NotAvailable) as caught:
        harness.run()
    assert caught.value.reason == "unreachable"
    assert "s0: " in caught.value.detail
    assert "s1: " in caught.value.detail
    assert f"curl {servers[0].url}" in caught.value.fix


def test_ever_new_model_names_stay_bounded(answering, inference):
    pages = [
        "".join(f'vllm:generation_tokens_total{{model_name="m{look}-{n}"}} 1\n' for n in range(40)).encode()
        for look in range(6)
    ]
    harness = inference({"name": "a", "source": "vllm", "url": answering(says_in_turn(pages)).url})
    for _ in pages:
        harness.run(advance=15)
        assert len(harness.series(metrics.TOKENS)) == 40
    (server,) = harness.collector._servers
    assert len(server._counting) <= 64


@pytest.mark.parametrize("name", ['say "hi"', "two\nlines", "back\\slash", "модель 😀"])
def test_any_name_of_a_model_is_a_label_that_can_be_read(answering, inference, name):
    written = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    page = f'vllm:num_requests_waiting{{model_name="{written}"}} 3\n'.encode()
    harness = inference({"name": "a", "source": "vllm", "url": answering(says(200, page)).url})
    harness.run()
    shown = read_families(harness.exposition().encode(), openmetrics=False)
    (sample,) = next(family for family in shown if family.name == "inference_requests_waiting").samples
    assert (sample.labels["model"], sample.value) == (name, 3)


def test_a_model_whose_name_is_no_label_costs_only_itself(answering, inference):
    page = GOOD + f'vllm:num_requests_waiting{{model_name="{"x" * 5000}"}} 1\n'.encode()
    harness = inference({"name": "a", "source": "vllm", "url": answering(says(200, page)).url})
    harness.run()
    assert harness.series(metrics.WAITING) == {("llama",): 3}
    assert [failure.name for failure in harness.part_failures] == [f"model={'x' * 80}"]


def test_without_servers_it_says_how_to_name_one(inference):
    with pytest.raises(NotAvailable) as caught:
        inference().run()
    assert "servers:" in caught.value.fix


def test_slow_servers_are_waited_for_together(answering, inference):
    slow = [answering(hangs) for _ in range(8)]
    good = answering(says(200, GOOD))
    servers = [{"name": f"s{i}", "source": "vllm", "url": s.url, "timeout": 0.8} for i, s in enumerate(slow)]
    harness = inference(*servers, {"name": "good", "source": "vllm", "url": good.url}, timeout=3)
    harness.run()  # one after another they would take more than its three seconds
    assert harness.value(metrics.WAITING, model="llama") == 3
    assert len(harness.part_failures) == 8


def test_the_token_goes_to_its_server_and_nowhere_else(answering, inference, caplog):
    elsewhere = answering(says(200, GOOD))
    asked = answering(says(200, GOOD))
    sends_away = answering(says(302, Location=elsewhere.url))
    urls = {"asked": asked.url, "away": sends_away.url}
    harness = inference(*({"name": name, "source": "vllm", "url": url, "token": TOKEN} for name, url in urls.items()))
    harness.run()
    assert asked.asked[0][1]["Authorization"] == f"Bearer {TOKEN}"
    assert elsewhere.asked == []
    texts = [harness.exposition(), repr(harness.collector.config), caplog.text, *map(str, harness.part_failures)]
    assert TOKEN not in "".join(texts)


def test_a_query_is_asked_for_but_not_shown(answering, inference):
    server = answering(says(500))
    harness = inference({"name": "a", "source": "vllm", "url": f"{server.url}?key=canary"})
    with pytest.raises(NotAvailable) as caught:
        harness.run()
    assert server.asked[0][0] == "/metrics?key=canary"
    assert "canary" not in caught.value.detail + caught.value.fix

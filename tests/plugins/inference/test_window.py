"""Means, quantiles and rates are those of the time between two runs; restarts and silence included."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.inference import metrics
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.state import Key
from collector_plugins.inference.window import grow
from tests.plugins.inference.conftest import says_in_turn, shown
from tests.plugins.inference.modelservers import Vllm

FROM_WINDOW = {"latency_mean_seconds", "latency_p95_seconds", "latency_p99_seconds"}
KEYS = [Key(Reading.REQUESTS), Key(Reading.LATENCY, "count"), Key(Reading.LATENCY, "bucket", 0.5), Key(Reading.TOKENS)]
counters = st.dictionaries(st.sampled_from(KEYS), st.floats(0, 1e9))


@pytest.fixture
def llama(start):
    server = start(Vllm)
    server.load("llama")
    return server


def test_the_first_look_has_totals_but_no_rates(llama, asked):
    llama.serve(0.2)
    found = shown(asked("vllm", llama), "llama")
    assert found["requests_total"] == 1
    assert not {"requests_per_second", "tokens_per_second", *FROM_WINDOW} & found.keys()


def test_what_was_served_before_the_window_is_not_in_it(llama, asked):
    for _ in range(100):
        llama.serve(8.0)
    harness = asked("vllm", llama)
    llama.serve(0.2)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert found["latency_mean_seconds"] == pytest.approx(0.2)
    assert 0.1 < found["latency_p99_seconds"] <= 0.25
    assert found["requests_total"] == 101


def test_where_nothing_was_served_latency_is_absent_and_rates_are_zero(llama, asked):
    llama.serve(0.2)
    harness = asked("vllm", llama)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert not FROM_WINDOW & found.keys()
    assert (found["requests_per_second"], found["tokens_per_second"]) == (0, 0)


def test_a_server_that_is_started_anew_counts_from_0_and_totals_go_on(llama, asked):
    harness = asked("vllm", llama)
    for _ in range(100):
        llama.serve(8.0)
    harness.run(advance=10)
    llama.restart()
    llama.load("llama")
    llama.serve(0.2)
    llama.serve(0.2)
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert not {"requests_per_second", *FROM_WINDOW} & found.keys(), "it may be a slip, which the next look tells"
    assert found["requests_total"] == 100
    harness.run(advance=10)
    found = shown(harness, "llama")
    assert found["requests_per_second"] == pytest.approx(2 / 20)
    assert found["latency_mean_seconds"] == pytest.approx(0.2)
    assert found["requests_total"] == 102


@pytest.mark.parametrize("low", ["0", "1", None])
def test_counters_that_are_low_once_add_nothing(answering, inference, low):
    pages = [f"vllm:generation_tokens_total {n}\n".encode() if n else b"other 1\n" for n in ("500", "560", low, "620")]
    server = answering(says_in_turn(pages))
    harness = inference({"name": "a", "source": "vllm", "url": server.url, "model": "m"})
    for _ in range(3):
        harness.run(advance=10)
    assert "tokens_per_second" not in shown(harness, "m")
    harness.run(advance=10)
    found = shown(harness, "m")
    assert found["tokens_total"] == 620
    assert found["tokens_per_second"] == pytest.approx(60 / 20)


def test_the_window_reaches_back_to_the_last_answer(llama, asked):
    harness = asked("vllm", llama)
    port = llama.port
    llama.stop()
    with pytest.raises(Exception, match="refused"):
        harness.run(advance=10)
    llama.__init__(port)
    llama.load("llama")
    for _ in range(4):
        llama.serve(0.2)
    harness.run(advance=10)
    assert shown(harness, "llama")["requests_per_second"] == pytest.approx(4 / 20)


def test_a_model_that_is_loaded_later_has_counted_from_0(llama, asked):
    harness = asked("vllm", llama)
    llama.load("late")
    llama.serve(0.5, model="late")
    harness.run(advance=10)
    assert harness.value(metrics.REQUEST_RATE, model="late") == pytest.approx(0.1)
    assert harness.value(metrics.LATENCY_MEAN, model="late") == 0.5


def test_one_counter_that_fell_resets_all_of_them():
    """A busy server may count more requests than before until we look, but not in all its buckets."""
    requests, bucket = Key(Reading.REQUESTS), Key(Reading.LATENCY, "bucket", inf)
    before, now = {requests: 10.0, bucket: 8.0}, {requests: 12.0, bucket: 3.0}
    assert grow(before, now) == now


@given(counters, counters)
def test_growth_is_never_negative_and_never_more_than_was_counted(before, now):
    growth = grow(before, now)
    assert growth.keys() == now.keys()
    assert all(0 <= growth[key] <= now[key] for key in now)

"""Options: what cannot work is refused at the start, in words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from collector_plugins.inference.config import Config, Server, ServerKind
from collector_plugins.inference.mapping import Reading, shipped

GOOD = {"name": "a", "source": "vllm", "url": "http://127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"url": None}, "`url` is missing"),
        ({"url": "ftp://host"}, "must be an address"),
        ({"url": "http://user:secret@host"}, "use `token`"),
        ({"url": "http://10.0.0.1", "token": "x"}, "https"),
        ({"source": "push"}, "push has no `url`"),
        ({"source": "prometheus"}, "`mapping`"),
        ({"source": "prometheus", "mapping": {"model_label": "m"}}, "`mapping`"),
        ({"mapping": {"requests": "x_total"}}, "`mapping`"),
        ({"source": "lmstudio"}, "'vllm'"),
        ({"source": "prometheus", "mapping": {"requests": {"sample": "x", "without": {"reason": []}}}}, "at least 1"),
        ({"name": "a b"}, "pattern"),
        ({"name": "x" * 65}, "pattern"),
        ({"source": "prometheus", "mapping": {"requests": "no name"}}, "pattern"),
        ({"source": "prometheus", "mapping": {"requests": {"sample": "x", "scale": 0}}}, "greater than 0"),
    ],
)
def test_a_server_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Server.model_validate(GOOD | wrong)
    assert "secret" not in str(caught.value)


def test_two_servers_have_two_names():
    with pytest.raises(ValidationError, match="two servers are called 'a'"):
        Config.model_validate({"servers": [GOOD, GOOD]})


@pytest.mark.parametrize(
    ("url", "completed"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/prometheus/metrics"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/prometheus/metrics"),
        ("http://127.0.0.1:8081/metrics", "http://127.0.0.1:8081/metrics"),
    ],
)
def test_tensorrt_llm_has_its_page_in_a_place_of_its_own(url, completed):
    assert Server.model_validate(GOOD | {"source": "tensorrt_llm", "url": url}).url == completed


@pytest.mark.parametrize(
    ("url", "completed", "local"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/metrics", True),
        ("http://[::1]:8000/", "http://[::1]:8000/metrics", True),
        ("http://localhost/metrics", "http://localhost/metrics", True),
        ("https://gpu.example/v1/metrics?a=b", "https://gpu.example/v1/metrics?a=b", False),
    ],
)
def test_addresses_are_completed_and_say_whether_it_is_here(url, completed, local):
    server = Server.model_validate(GOOD | {"url": url})
    assert (server.url, server.is_local) == (completed, local)
    assert Server.model_validate(GOOD | {"url": url, "local": not local}).is_local is not local


SHIPPED = [source for source in ServerKind if source not in (ServerKind.PROMETHEUS, ServerKind.PUSH)]


@pytest.mark.parametrize("source", SHIPPED)
def test_the_shipped_tables_have_what_every_server_tells(source):
    mapping = shipped(source)
    assert mapping.of(Reading.REQUESTS) or source is ServerKind.LLAMACPP, "llama.cpp counts none"
    assert mapping.of(Reading.TOKENS) or source is ServerKind.TRITON, "Triton serves other models, too"
    for reading in Reading:
        for sample in mapping.of(reading):
            assert not sample.labels.keys() & sample.without.keys()


def test_every_row_of_the_shipped_tables_is_used():
    from collector_plugins.inference.mapping import _rows

    rows = list(_rows())
    taken = sum(
        bool(shipped(source).model_label)
        + bool(shipped(source).rank_labels)
        + sum(len(shipped(source).of(reading)) for reading in Reading)
        for source in ServerKind
    )
    assert taken == len(rows)

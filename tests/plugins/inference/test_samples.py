"""The text format: what is asked for is read, everything else is passed over, and nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.inference.config import Server
from collector_plugins.inference.mapping import shipped
from collector_plugins.inference.model_server import ModelServer
from collector_plugins.inference.samples import MAX_SAMPLES, parse
from collector_plugins.inference.state import states, wanted

VLLM = shipped("vllm")
WANTED = wanted(VLLM)
LINE = 'vllm:num_requests_waiting{model_name="a"} 3'


def test_timestamps_and_blanks_are_ignored():
    body = b'  x { model="m" , reason="stop" }   10\n\tx{model="n",} 2 1760000000000\r\n'
    assert parse(body, {"x"}) == {"x": [({"model": "m", "reason": "stop"}, 10), ({"model": "n"}, 2)]}


def test_other_metrics_are_passed_over_even_if_they_cannot_be_read():
    body = f"# HELP other Nothing.\nother{{broken 1\n\n{LINE}\n".encode()
    assert list(parse(body, WANTED)) == ["vllm:num_requests_waiting"]


def test_names_whose_colon_was_made_an_underscore_are_the_same():
    assert parse(LINE.replace(":", "_").encode(), WANTED) == parse(LINE.encode(), WANTED) != {}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_values_that_are_no_number_are_left_out(value):
    assert parse(f"x {value}\n".encode(), {"x"}) == {}


def test_a_line_that_cannot_be_read_is_named():
    with pytest.raises(ValueError, match="line 2: cannot read 'x one'"):
        parse(b"# HELP x X.\nx one\n", {"x"})


def test_many_samples_are_refused():
    with pytest.raises(ValueError, match=f"more than {MAX_SAMPLES}"):
        parse(b"x 1\n" * (MAX_SAMPLES + 1), {"x"})


def test_a_bound_that_is_no_number_is_refused():
    answer = parse(b'vllm:e2e_request_latency_seconds_bucket{le="often",model_name="a"} 1', WANTED)
    with pytest.raises(ValueError, match="'often' is not a histogram bound"):
        states(answer, VLLM, "own")


names = st.sampled_from(sorted(WANTED))
texts = st.text(st.characters(codec="utf-8"), max_size=20)
lines = st.builds(
    lambda name, label, text, value: f'{name}{{{label}="{text}"}} {value}',
    names,
    st.sampled_from(["model_name", "le", "quantile", "engine", "x"]),
    texts,
    st.one_of(st.floats().map(str), st.integers().map(str), texts),
)


@given(st.lists(st.lists(lines, max_size=8).map("\n".join).map(str.encode), min_size=1, max_size=4))
def test_any_pages_one_after_the_other_give_windows_and_totals_that_never_fall(pages):
    clock = FakeClock()
    server = ModelServer(Server(name="own", source="vllm", url="http://127.0.0.1:1"), clock)
    totals: dict[tuple[str, str], float] = {}
    for page in pages:
        clock.advance(15)
        try:
            found = states(parse(page, WANTED), VLLM, "own")
        except ValueError:
            continue
        for model, window in server._count(found).items():
            assert all(value >= 0 for value in window.growth.values())
            for reading, total in server.totals(model).items():
                assert total >= totals.get((model, reading), 0)
                totals[model, reading] = total


@given(st.one_of(st.binary(max_size=300), st.lists(st.one_of(lines, texts), max_size=8).map("\n".join).map(str.encode)))
def test_any_answer_gives_states_or_says_what_is_wrong(body):
    try:
        found = states(parse(body, WANTED), VLLM, "own")
    except ValueError as error:
        assert len(str(error)) < 500
    else:
        for state in found.values():
            assert all(isinstance(value, float) for value in state.counters.values())

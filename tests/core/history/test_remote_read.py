"""Snappy and the wire format of Prometheus' remote read."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.history import remote_read
from collector_core.model.selector import Selector
from collector_core.wire.protobuf import varint
from collector_core.wire.snappy import decompress, wrap


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def answer(*series):
    """One result; each series has labels and readings."""
    found = b""
    for labels, readings in series:
        text = b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in labels.items())
        for time, value in readings:
            text += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time))
        found += field(1, text)
    return wrap(field(1, found))


@given(
    st.binary(max_size=300_000)
    | st.builds(lambda part, times: part * times, st.binary(max_size=9), st.integers(0, 99_999))
)
def test_what_is_wrapped_comes_back(content):
    assert decompress(wrap(content), len(content)) == content


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"\x0a\x08abc\x1a\x03\x00", b"abcabcabca"),  # a copy of seven bytes from three before, into itself
        (b"\x07\x08abc\x01\x03", b"abcabca"),
        (b"\x06\x08abc\x0b\x03\x00\x00\x00", b"abcabc"),
        (b"\x00", b""),
    ],
)
def test_copies_of_each_kind(data, content):
    assert decompress(data, 100) == content


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 20, b"\x05\x10ab", b"\x04\x01\x09", b"\x09\x00a", b"\xff\xff\xff\xff\x0f"]
)
def test_damaged_data_is_refused(data):
    with pytest.raises(ValueError, match=r"damaged|more than"):
        decompress(data, 1000)


@given(st.binary(max_size=200))
def test_any_answer_is_read_or_refused(data):
    for body in (data, wrap(data)):
        with contextlib.suppress(ValueError):
            remote_read.parse(body)


def test_an_answer_has_the_readings_of_each_series_that_are_numbers():
    labels = {"__name__": "up", "job": 'a "b"', "instance": "x"}
    body = answer((labels, [(1000, 1.0), (2000, float("nan")), (3000, 2.5)]), ({"__name__": "down"}, []))
    assert remote_read.parse(body) == {'up{instance="x",job="a \\"b\\""}': [(1000, 1.0), (3000, 2.5)], "down": []}


def test_a_question_has_the_period_and_the_conditions():
    asked = Selector.parse('site_*{job="a",mode!~"x|y"}')
    matchers = [(2, b"__name__", b"site_.*"), (0, b"job", b"a"), (3, b"mode", b"x|y")]
    conditions = b"".join(
        field(3, b"\x08" + varint(kind) + field(2, name) + field(3, value)) for kind, name, value in matchers
    )
    query = b"\x08" + varint(60_000) + b"\x10" + varint(119_999) + conditions
    assert decompress(remote_read.request(asked, 60_000, 120_000), 1000) == field(1, query)


def test_what_prometheus_does_not_know_is_refused():
    with pytest.raises(ValueError, match="__topic__"):
        remote_read.request(Selector.parse('{__topic__="power"}'), 0, 1)

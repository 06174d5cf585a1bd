"""Whatever a server sends is an answer that can be used, or `bad_data`."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import HttpAnswer, NotAvailable


def said(body):
    return HttpAnswer("plug:80", 200, {}, body)


def refusal(body):
    with pytest.raises(NotAvailable) as caught:
        said(body).json()
    assert caught.value.reason == "bad_data"
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"  \r\n", "empty"),
        (b"\n<!DOCTYPE HTML><p>Log in", "an HTML page"),
        (b"<html lang=en>", "an HTML page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"PNG\0\0", "binary data"),
        (b'{"power_watts": 4', "JSON that is cut off or malformed"),
        (b"[1, 2", "JSON that is cut off or malformed"),
        (b"power 42", "other text"),
        (b"\xff\xfe", "other text"),
        (b"1 2", "other text"),
    ],
)
def test_it_says_what_came_instead_of_json(body, kind):
    assert refusal(body) == f"plug:80: the answer is not valid JSON but {kind}"


@pytest.mark.parametrize(
    "number", [b"9" * 400, b"-" + b"9" * 5000, b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"]
)
def test_numbers_that_are_not_finite_are_refused(number):
    assert "not valid JSON" in refusal(b'{"power_watts": ' + number + b"}")


@pytest.mark.parametrize(("before", "after"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_values_within_values_are_taken_up_to_64_levels(before, after):
    assert said(before * 64 + b"1" + after * 64).json()
    assert refusal(before * 65 + b"1" + after * 65) == "plug:80: the answer is nested more than 64 levels deep"
    assert refusal(before * 100_000)
    assert refusal(before * 100_000 + b"1" + after * 100_000)


def test_an_integer_too_long_to_read_is_refused():
    assert refusal(b"1" * 5000)


def test_a_byte_order_mark_is_no_fault():
    assert said(b"\xef\xbb\xbf42").json() == 42


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists))
def test_good_json_comes_out_as_it_went_in(value):
    assert said(json.dumps(value).encode()).json() == value


@given(st.binary() | st.text().map(str.encode) | st.from_regex(rb"[\[{]?[-0-9eE.NanIfity\"\]}]*"))
def test_anything_is_an_answer_or_bad_data(body):
    try:
        value = said(body).json()
    except NotAvailable as error:
        assert error.reason == "bad_data"
        assert len(str(error)) < 100
    else:
        assert not isinstance(value, float) or math.isfinite(value)
    try:
        assert said(body).text().encode() == body
    except NotAvailable as error:
        assert error.reason == "bad_data"

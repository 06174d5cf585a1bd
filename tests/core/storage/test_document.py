"""Whatever a file says, it is an object or refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.storage import parse_document

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.text(max_size=5), values))
def test_an_object_is_taken_as_text_and_as_bytes(document):
    assert parse_document(json.dumps(document)) == document
    assert parse_document(json.dumps(document).encode()) == document


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(values))
def test_what_is_no_object_is_refused(document):
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_document(json.dumps(document))


@given(st.binary() | st.text())
def test_anything_else_is_a_value_error(content):
    with contextlib.suppress(ValueError):
        assert isinstance(parse_document(content), dict)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000])
def test_what_is_nested_too_deeply_is_a_value_error(content):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_document(content)


def test_a_number_too_long_to_convert_is_a_value_error():
    with pytest.raises(ValueError, match="limit"):
        parse_document('{"a": ' + "1" * 10_000 + "}")


@pytest.mark.parametrize("digits", [309, 400, 10_000])
def test_a_number_that_nobody_can_compute_with_is_a_value_error(digits):
    with pytest.raises(ValueError, match=r"too large|digits"):
        parse_document('{"a": [{"b": -' + "9" * digits + "}]}")
    assert parse_document('{"a": ' + "9" * 300 + "}")["a"] * 1.0 == 1e300

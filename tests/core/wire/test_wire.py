"""What is written is read again; blocks of snappy can be put together without being unpacked."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.wire import (
    bytes_field,
    compress,
    decompress,
    double_field,
    fill_doubles,
    join,
    number_field,
    read_fields,
    read_varint,
    varint,
)
from collector_core.wire.snappy import wrap


@given(st.lists(st.binary(max_size=300).map(lambda part: part * 5)))
def test_joined_blocks_hold_what_each_of_them_holds(parts):
    for pack in (compress, wrap):
        assert decompress(join(map(pack, parts)), 1 << 20) == b"".join(parts)


@given(st.integers(-(2**63), 2**64 - 1))
def test_a_number_is_read_as_it_was_written(value):
    assert read_varint(varint(value), 0) == (value % 2**64, len(varint(value)))


def test_fields_are_read_in_order():
    content = number_field(1, 300) + bytes_field(2, b"ab") + double_field(3, 1.0)
    assert list(read_fields(content)) == [(1, 300), (2, b"ab"), (3, bytes.fromhex("000000000000f03f"))]


@given(st.lists(st.tuples(st.binary(max_size=9), st.floats(width=64))), st.binary(max_size=9))
def test_many_fields_of_one_shape_are_the_same_as_one_by_one(fields, suffix):
    one_by_one = b"".join(prefix + double_field(1, value)[1:] + suffix for prefix, value in fields)
    assert (
        fill_doubles([prefix for prefix, _ in fields], array("d", [value for _, value in fields]), suffix) == one_by_one
    )


@given(st.binary(max_size=60))
def test_whatever_content_is_it_is_fields_or_refused(content):
    try:
        found = list(read_fields(content))
    except ValueError:
        return
    assert sum(len(value) for _, value in found if isinstance(value, bytes)) <= len(content)


@pytest.mark.parametrize("content", [b"\x0a\x05abc", b"\x09abc", b"\x0a", b"\x0b"])
def test_what_ends_within_a_field_is_refused(content):
    with pytest.raises(ValueError, match="damaged"):
        list(read_fields(content))

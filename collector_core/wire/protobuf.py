"""The fields of protobuf messages, written and read without a schema: https://protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from operator import add

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
_SIZES = {DOUBLE: 8, FLOAT: 4}
_MASK = (1 << 64) - 1


def varint(value: int) -> bytes:
    """A number as seven bits a byte, the lowest first; a negative one as 64 bits of two's complement."""
    value &= _MASK
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """The number at a place, and the place behind it; raises `ValueError`."""
    value = 0
    for shift, byte in zip(range(0, 64, 7), data[place : place + 10], strict=False):
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value, place
    raise ValueError("damaged: a number has no end")


def number_field(number: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return varint(number << 3) + varint(value)


def double_field(number: int, value: float) -> bytes:
    """A field that holds a number of 64 bits."""
    return varint(number << 3 | DOUBLE) + struct.pack("<d", value)


def fixed64_field(number: int, value: int) -> bytes:
    """A field that holds a whole number of exactly 64 bits, not negative."""
    return varint(number << 3 | DOUBLE) + value.to_bytes(8, "little")


def fill_doubles(prefixes: Sequence[bytes], values: array[float], suffix: bytes) -> bytes:
    """All prefixes, each with its value as 64 bits and the suffix behind it: many fields of one shape, quickly."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    raw = values.tobytes()
    filled = map(add, prefixes, [raw[place : place + 8] for place in range(0, len(raw), 8)])
    return suffix.join([*filled, b""])


def bytes_field(number: int, content: bytes) -> bytes:
    """A field that holds bytes, or a message."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def text_field(number: int, value: str) -> bytes:
    """A field that holds text."""
    return bytes_field(number, value.encode())


def read_fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number and the content of every field; raises `ValueError` for what is no message."""
    place = 0
    while place < len(content):
        key, place = read_varint(content, place)
        kind = key & 7
        if kind == VARINT:
            value, place = read_varint(content, place)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, place = read_varint(content, place)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise ValueError(f"damaged: a field of kind {kind}")
        if place + size > len(content):
            raise ValueError("damaged: a field is longer than its message")
        yield key >> 3, content[place : place + size]
        place += size


def as_bytes(value: int | bytes) -> bytes:
    """The content of a field that holds bytes; raises `ValueError` where it is a number."""
    if isinstance(value, int):
        raise ValueError("damaged: a number in the place of content")  # noqa: TRY004
    return value

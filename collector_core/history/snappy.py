"""Snappy's block format, as Prometheus speaks it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_LITERAL = 1 << 16
_LONG_LITERAL = 60  # from here on the length follows


def wrap(content: bytes) -> bytes:
    """The content in the format, not compressed."""
    return varint(len(content)) + b"".join(_literals(content))


def decompress(data: bytes, limit: int) -> bytes:
    """What was compressed, at most `limit` bytes; raises `ValueError` for damaged data and for more."""
    size, place = read_varint(data, 0)
    if size > limit:
        raise ValueError(f"{size} bytes are more than {limit}")
    found = bytearray()
    while place < len(data) and len(found) <= size:
        place = _step(data, place, found)
    if len(found) != size:
        raise ValueError("damaged: it has another length than it says")
    return bytes(found)


def varint(value: int) -> bytes:
    """A number as seven bits a byte, the lowest first."""
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


def _literals(content: bytes) -> Iterator[bytes]:
    for place in range(0, len(content), _LITERAL):
        part = content[place : place + _LITERAL]
        yield bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part


def _step(data: bytes, place: int, found: bytearray) -> int:
    """Take the literal or the copy at a place; returns the place behind it."""
    tag = data[place]
    place += 1
    kind, length = tag & 3, tag >> 2
    if kind == 0:
        if length >= _LONG_LITERAL:
            length, place = _little(data, place, length - _LONG_LITERAL + 1)
        found += data[place : place + length + 1]
        return place + length + 1
    if kind == 1:
        offset, place = _little(data, place, 1)
        _copy(found, offset | tag >> 5 << 8, (length & 7) + 4)
        return place
    offset, place = _little(data, place, 2 if kind == 2 else 4)
    _copy(found, offset, length + 1)
    return place


def _little(data: bytes, place: int, width: int) -> tuple[int, int]:
    return int.from_bytes(data[place : place + width], "little"), place + width


def _copy(found: bytearray, offset: int, length: int) -> None:
    """Repeat `length` bytes from `offset` before the end; what is repeated may go on into itself."""
    if not 0 < offset <= len(found):
        raise ValueError("damaged: a copy from before the beginning")
    start = len(found) - offset
    pattern = bytes(found[start : start + length])
    found += (pattern * (length // len(pattern) + 1))[:length]

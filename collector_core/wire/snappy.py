"""Snappy's block format, as Prometheus speaks it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from collector_core.wire.protobuf import read_varint, varint

_LITERAL = 1 << 16
_LONG_LITERAL = 60  # from here on the length follows


def wrap(content: bytes) -> bytes:
    """The content in the format, not compressed."""
    return varint(len(content)) + b"".join(_literals(content))


def compress(content: bytes) -> bytes:
    """The content, compressed where cramjam is installed (extra `remote_write`)."""
    try:
        from cramjam import snappy  # noqa: PLC0415 - an extra, and only where something is sent
    except ImportError:
        return wrap(content)
    return bytes(snappy.compress_raw(content))


def join(blocks: Iterable[bytes]) -> bytes:
    """One block of what several hold, one after the other: what is repeated in a block is so from within it."""
    sizes, parts = 0, list[bytes]()
    for block in blocks:
        size, place = read_varint(block, 0)
        sizes += size
        parts.append(block[place:])
    return varint(sizes) + b"".join(parts)


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

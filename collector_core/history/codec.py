"""Columns of numbers in few bytes, without loss: decimals as integers, their differences, byte planes, deflate.

Measurements are decimals (watts with two places, joules with three) that change little from one reading to the next.
As integers their differences are small, and the same byte of all of them stands together, so that deflate finds runs.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import xor

MOST_ORDERS = 2  # of differences
FEW = 16
FAST = 1
SMALL = 6

_STRATEGIES = (zlib.Z_FILTERED, zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)
_MANY = 1000  # numbers in a column, for which it pays to try what suits them best
_DECIMALS = (0, 1, 2, 3, 4, 6, 9)
_FLOATS = 255  # instead of a number of decimals: bits of floats, each xored with the one before
_LARGEST = 2.0**53  # integers up to here are exact as floats
_MOST = 1 << 24  # numbers in a column; damaged bytes must not ask for gigabytes
_SIGNED = {1: "b", 2: "h", 4: "i", 8: "q"}  # types of arrays, by the bytes of a number
_HEAD = struct.Struct("<BBI")  # order of differences, bytes per difference, number of integers


def encode_integers(values: Sequence[int], level: int = FAST) -> bytes:
    """Compress integers of at most 58 bits: the smallest of the values, their differences and those of these."""
    return _encode_order(*min(_orders(values), key=lambda order: sum(map(abs, order[1]))), level)


def decode_integers(data: bytes | memoryview, end: int | None = None) -> list[int]:
    """The integers that `encode_integers` was given, at most `end`; raises `ValueError` for anything else."""
    try:
        order, width, count = _HEAD.unpack_from(data)
        firsts = struct.unpack_from(f"<{order}q", data, _HEAD.size)
    except struct.error as error:
        raise ValueError(f"not a column: {error}") from error
    if order > MOST_ORDERS or width > 8:
        raise ValueError("not a column of integers")
    if not width and order == 1:
        return [*firsts] * (count + 1 if end is None else min(count + 1, end))
    rest: Iterable[int] = _without_zigzag(*_join_planes(data[_HEAD.size + 8 * order :], width, count, end))
    for first in reversed(firsts):
        rest = accumulate(rest, initial=first)
    return list(rest)[:end]


def encode_naturals(values: array[int], level: int = FAST) -> bytes:
    """The same for integers from 0 on as they are, without a step in Python for each of them."""
    if min(values, default=0) < 0:
        return encode_integers(values, level)
    doubled = _wide(values) << 1
    width, planes = _pack_planes(doubled.to_bytes(8 * len(values), "little"), level)
    return _HEAD.pack(0, width, len(values)) + planes


def encode_floats(values: array[float], level: int = FAST) -> bytes:
    """What `encode_numbers` gives for numbers that are no decimals, without a step in Python for each of them."""
    return bytes([_FLOATS]) + _encode_floats(values, level)


def encode_numbers(values: Sequence[float], level: int = FAST) -> bytes:
    """Compress numbers: as integers where all are decimals of at most nine places, else as floats."""
    decimals = as_decimals(values)
    if decimals is None:
        return bytes([_FLOATS]) + _encode_floats(values, level)
    places, integers = decimals
    return bytes([places]) + encode_integers(integers, level)


def decode_numbers(data: bytes | memoryview, start: int = 0, end: int | None = None) -> array[float]:
    """The numbers that `encode_numbers` was given, from `start` to `end`; raises `ValueError` for anything else."""
    decimals = decode_decimals(data, end)
    if decimals is None:
        return _decode_floats(data[1:])[start:end]
    places, integers = decimals[0], decimals[1][start:]
    scale = 10.0**places
    return array("d", [each / scale for each in integers] if places else integers)


def decode_decimals(data: bytes | memoryview, end: int | None = None) -> tuple[int, list[int]] | None:
    """Decimal places of these numbers, and the numbers in units of the last one; None where they are floats."""
    if not data:
        raise ValueError("not a column: it is empty")
    places = data[0]
    if places == _FLOATS:
        return None
    if places not in _DECIMALS:
        raise ValueError(f"not a column: {places} decimal places")
    return places, decode_integers(data[1:], end)


def as_decimals(values: Sequence[float]) -> tuple[int, list[int]] | None:
    """Decimal places that write all values exactly, and the values in units of the last one; None where none do."""
    start = _decimals_of(list(values[:FEW]), 0)  # most columns show with their first values what they are
    return None if start is None else _decimals_of(list(values), start[0])


def _decimals_of(values: list[float], at_least: int) -> tuple[int, list[int]] | None:
    for places in _DECIMALS:
        if places >= at_least and (integers := _scaled(values, 10.0**places)) is not None:
            return places, integers
    return None


def join_columns(columns: Iterable[bytes]) -> bytes:
    """Several columns as one value with a checksum, each with its length before it."""
    content = b"".join(struct.pack("<I", len(each)) + each for each in columns)
    return struct.pack("<I", zlib.crc32(content)) + content


def split_columns(data: bytes) -> list[memoryview]:
    """The columns that `join_columns` was given; raises `ValueError` where they are damaged."""
    view, columns = memoryview(data)[4:], list[memoryview]()
    if struct.pack("<I", zlib.crc32(view)) != data[:4]:
        raise ValueError("damaged: its checksum is another one")
    while view:
        (size,) = struct.unpack_from("<I", view)
        columns.append(view[4 : 4 + size])
        view = view[4 + size :]
    return columns


def _scaled(values: list[float], scale: float) -> list[int] | None:
    """The values times `scale`, where these are integers that give back the very values."""
    try:
        integers = [round(each * scale) for each in values]
    except (OverflowError, ValueError):  # not finite
        return None
    if [each / scale for each in integers] != values or max(map(abs, integers), default=0) > _LARGEST:
        return None
    return integers


def _encode_order(firsts: Sequence[int], rest: Sequence[int], level: int) -> bytes:
    zigzag = [(each << 1) ^ (each >> 63) for each in rest]
    width, planes = _split_planes(zigzag, level)
    return _HEAD.pack(len(firsts), width, len(rest)) + struct.pack(f"<{len(firsts)}q", *firsts) + planes


def _orders(values: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The values, their differences and those of these, each with what comes first to get the values back."""
    firsts, rest = list[int](), list(values)
    yield [], rest
    while rest and len(firsts) < MOST_ORDERS:
        firsts.append(rest[0])
        rest = [after - before for before, after in pairwise(rest)]
        yield firsts.copy(), rest


def _encode_floats(values: Sequence[float], level: int) -> bytes:
    bits = _wide(array("d", values))
    size = 8 * len(values)
    changed = (bits ^ bits << 64) & ((1 << 8 * size) - 1)  # each xored with the one before, all at once
    width, planes = _pack_planes(changed.to_bytes(size, "little"), level)
    return _HEAD.pack(0, width, len(values)) + planes


def _decode_floats(data: bytes | memoryview) -> array[float]:
    try:
        order, width, count = _HEAD.unpack_from(data)
    except struct.error as error:
        raise ValueError(f"not a column: {error}") from error
    if order or width > 8:
        raise ValueError("not a column of floats")
    size, raw = _join_planes(data[_HEAD.size :], width, count)
    bits = accumulate(_numbers(_SIGNED[size].upper(), raw), xor)
    values = array("d")
    values.frombytes(array("Q", bits).tobytes())
    return values


def _split_planes(values: Sequence[int], level: int) -> tuple[int, bytes]:
    """The lowest bytes of all values, then the next ones and so on, compressed; and how many bytes a value has."""
    return _pack_planes(_little(array("Q", values)), level)


def _pack_planes(raw: bytes, level: int) -> tuple[int, bytes]:
    """The same of numbers of eight bytes each, the lowest first."""
    planes = [raw[place::8] for place in range(8)]
    while planes and not any(planes[-1]):
        planes.pop()
    strategies = _STRATEGIES if level > FAST and len(raw) > 8 * _MANY else _STRATEGIES[:1]
    return len(planes), min((_deflate(planes, level, strategy) for strategy in strategies), key=len)


def _little(stored: array[int] | array[float]) -> bytes:
    """Its numbers of eight bytes each, the lowest byte first."""
    if sys.byteorder == "big":
        stored = stored[:]
        stored.byteswap()
    return stored.tobytes()


def _wide(stored: array[int] | array[float]) -> int:
    """All bits as one large integer, the first number in the lowest ones."""
    return int.from_bytes(_little(stored), "little")


def _deflate(planes: Iterable[bytes], level: int, strategy: int) -> bytes:
    """Compress each plane with a code of its own: the lowest one is noise, what is above it hardly changes."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=strategy)
    parts = [packer.compress(plane) + packer.flush(zlib.Z_BLOCK) for plane in planes]
    return b"".join(parts) + packer.flush()


def _join_planes(data: bytes | memoryview, width: int, count: int, end: int | None = None) -> tuple[int, bytes]:
    """How many bytes a number has (a power of two), and these bytes, the lowest first, of at most `end` numbers."""
    if count > _MOST:
        raise ValueError(f"not a column: {count} numbers")
    wanted = count if end is None else min(count, end)
    if width == 0:
        return 1, bytes(wanted)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        planes = unpacker.decompress(data, width * count + 1)
    except zlib.error as error:
        raise ValueError(f"not a column: {error}") from error
    if len(planes) != width * count:
        raise ValueError("not a column: it has another length than it says")
    size = 1 << (width - 1).bit_length()
    raw = bytearray(size * wanted)
    for place in range(width):
        raw[place::size] = planes[place * count : place * count + wanted]
    return size, bytes(raw)


def _without_zigzag(size: int, raw: bytes) -> array[int]:
    """Signed numbers of `size` bytes. All are computed at once, as one large integer."""
    whole, ones = (int.from_bytes(each, "little") for each in (raw, (b"\1" + bytes(size - 1)) * (len(raw) // size)))
    negative = whole & ones
    inverted = (negative << 8 * size) - negative  # all bits of those that are negative
    return _numbers(_SIGNED[size], ((whole ^ negative) >> 1 ^ inverted).to_bytes(len(raw), "little"))


def _numbers(code: str, raw: bytes) -> array[int]:
    stored = array(code)
    stored.frombytes(raw)
    if sys.byteorder == "big":
        stored.byteswap()
    return stored

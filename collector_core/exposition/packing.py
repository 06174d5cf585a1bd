"""Bytes → gzip, in parts that are compressed again only when they change."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Self

LEVEL = 1
WINDOW_BITS = 13  # 8 KiB, where neighbouring lines are: half the time of the usual 32 KiB for the same size
MEMORY_LEVEL = 6
GZIP = 16  # added to the window bits: zlib writes gzip's own header and checksum
OWN_PART_BYTES = 32_768  # from here on compressing anew costs more than an own part adds to the size

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, fastest, unknown system
_END = b"\x03\x00"  # an empty last block
_PIECES_AT_ONCE = 128  # joining holds all threads up, compressing none
_POLYNOMIAL = 0xEDB88320  # of CRC-32, lowest power first
_ONE = 1 << 31


@dataclass(frozen=True, slots=True)
class BodyPart:
    """Some pieces of a body; two parts with the same key hold the same bytes."""

    key: Hashable
    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Packed:
    """A part as blocks of deflate that end on a byte, with the size and the checksum of what is in them."""

    data: bytes
    size: int
    crc: int

    @classmethod
    def of(cls, pieces: Sequence[bytes]) -> Self:
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)
        packed, size, crc = [], 0, 0
        for chunk in _chunks(pieces):
            packed.append(packer.compress(chunk))
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
        packed.append(packer.flush(zlib.Z_SYNC_FLUSH))
        return cls(b"".join(packed), size, crc)


class Packer:
    """Compresses one body after another, and what two in a row have in common only once.

    The result is a single gzip member, because many a client reads no second one.
    """

    def __init__(self) -> None:
        self._packed: dict[Hashable, _Packed] = {}

    def pack(self, parts: Sequence[BodyPart]) -> bytes:
        """All parts, one after another; call it from one thread at a time."""
        if (small := _joined_if_small(parts)) is not None:
            self._packed = {}
            packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP + WINDOW_BITS, MEMORY_LEVEL)
            return packer.compress(small) + packer.flush()
        together = _together(parts)
        self._packed = {part.key: self._packed.get(part.key) or _Packed.of(part.pieces) for part in together}
        size, crc = 0, 0
        for packed in self._packed.values():
            size += packed.size
            crc = _multiply(_shift(packed.size), crc) ^ packed.crc if crc else packed.crc
        end = crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join([_HEADER, *(packed.data for packed in self._packed.values()), _END, end])


def _joined_if_small(parts: Sequence[BodyPart]) -> bytes | None:
    """The whole body, where it is too small for parts of its own; most are, so that this is the short way."""
    pieces: list[bytes] = []
    size = 0
    for part in parts:
        pieces += part.pieces
        size += sum(map(len, part.pieces))
        if size >= OWN_PART_BYTES:
            return None
    return b"".join(pieces)


def _together(parts: Iterable[BodyPart]) -> Iterator[BodyPart]:
    """Neighbours that are small as one part each."""
    keys: list[Hashable] = []
    pieces: list[bytes] = []
    size = 0
    for part in parts:
        more = sum(map(len, part.pieces))
        if size and max(size, more) >= OWN_PART_BYTES:
            yield BodyPart(tuple(keys), pieces)
            keys, pieces, size = [], [], 0
        keys.append(part.key)
        pieces += part.pieces
        size += more
    if size:
        yield BodyPart(tuple(keys), pieces)


def _chunks(pieces: Sequence[bytes]) -> Iterator[bytes]:
    for start in range(0, len(pieces), _PIECES_AT_ONCE):
        yield b"".join(pieces[start : start + _PIECES_AT_ONCE])


def _multiply(one: int, other: int) -> int:
    """The product of two polynomials modulo that of CRC-32, as zlib's crc32_combine makes it."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


@cache
def _power(doublings: int) -> int:
    """x to the power of 8, doubled so often."""
    if not doublings:
        return 1 << 23
    half = _power(doublings - 1)
    return _multiply(half, half)


@lru_cache(maxsize=1024)
def _shift(size: int) -> int:
    """What a checksum is multiplied with when `size` bytes follow."""
    shift = _ONE
    for place in range(size.bit_length()):
        if size >> place & 1:
            shift = _multiply(_power(place), shift)
    return shift

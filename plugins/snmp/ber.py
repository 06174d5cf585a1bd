"""Basic encoding rules (ITU-T X.690), as far as SNMP needs them (RFC 3416, 3417)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Oid = tuple[int, ...]
Value = int | float | bytes | Oid | None  # None: there is no such object or instance

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_UNSIGNED = frozenset({0x41, 0x42, 0x43, 0x46, 0x47})  # Counter32, Gauge32, TimeTicks, Counter64, UInteger32
_OPAQUE = 0x44
_OPAQUE_FORMATS = {b"\x9f\x78\x04": ">f", b"\x9f\x79\x08": ">d"}  # net-snmp's floats
_MISSING = frozenset({NULL, 0x80, 0x81, 0x82})  # noSuchObject, noSuchInstance, endOfMibView
MOST_ARCS = 128


class Element(NamedTuple):
    """A tag and its content."""

    tag: int
    content: bytes


def element(tag: int, content: bytes) -> bytes:
    """The two as they are sent."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """A signed integer."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes) -> bytes:
    """A string of bytes."""
    return element(OCTETS, value)


def sequence(*parts: bytes) -> bytes:
    """Elements as one."""
    return element(SEQUENCE, b"".join(parts))


def oid(arcs: Oid) -> bytes:
    """An object identifier of at least two arcs."""
    content = bytearray()
    for arc in (40 * arcs[0] + arcs[1], *arcs[2:]):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(septets))
    return element(OID, bytes(content))


def elements(content: bytes) -> Sequence[Element]:
    """What follows each other in a content; raises `ValueError` where it is not well formed."""
    found, at, end = list[Element](), 0, len(content)
    while at < end:
        start, size = _start_and_size(content, at)
        if start + size > end:
            raise ValueError("an element is cut off")
        found.append(Element(content[at], content[start : start + size]))
        at = start + size
    return found


def only(content: bytes, tag: int) -> bytes:
    """The content of the one element that is there; raises `ValueError`."""
    (one,) = elements(content)
    return expected(one, tag)


def expected(one: Element, tag: int) -> bytes:
    """The content of an element that must have a tag; raises `ValueError`."""
    if one.tag != tag:
        raise ValueError(f"tag {one.tag:#x} instead of {tag:#x}")
    return one.content


def as_integer(one: Element) -> int:
    """A signed integer; raises `ValueError`."""
    content = expected(one, INTEGER)
    if not 1 <= len(content) <= 8:
        raise ValueError("an integer of an impossible length")
    return int.from_bytes(content, "big", signed=True)


def as_value(one: Element) -> Value:
    """What a variable holds; raises `ValueError`."""
    tag, content = one
    if tag in _MISSING:
        return None
    if tag == INTEGER:
        return as_integer(one)
    if tag in _UNSIGNED:
        if len(content) > 9:
            raise ValueError("a counter of an impossible length")
        return int.from_bytes(content, "big")
    if tag == OID:
        return as_oid(content)
    if tag == _OPAQUE and (form := _OPAQUE_FORMATS.get(content[:3])) and len(content) == 3 + struct.calcsize(form):
        return float(struct.unpack(form, content[3:])[0])
    return content


def as_oid(content: bytes) -> Oid:
    """An object identifier; raises `ValueError`."""
    arcs = list(_arcs(content))
    if not arcs or len(arcs) > MOST_ARCS:
        raise ValueError("an object identifier of an impossible length")
    first = min(arcs[0] // 40, 2)
    return (first, arcs[0] - 40 * first, *arcs[1:])


def _arcs(content: bytes) -> Iterable[int]:
    if content and content[-1] & 0x80:
        raise ValueError("an object identifier is cut off")
    arc = 0
    for each in content:
        arc = arc << 7 | each & 0x7F
        if arc >= 1 << 32:
            raise ValueError("an arc is too large")
        if not each & 0x80:
            yield arc
            arc = 0


def _start_and_size(content: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element begins, and its length."""
    if at + 1 >= len(content):
        raise ValueError("an element is cut off")
    size = content[at + 1]
    if size < 0x80:
        return at + 2, size
    count = size & 0x7F
    if not 1 <= count <= 4:
        raise ValueError("a length that SNMP does not allow")
    return at + 2 + count, int.from_bytes(content[at + 2 : at + 2 + count], "big")

"""What is asked and answered (RFC 3416), and how it travels: with a community (2c) or a user (3)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from collector_plugins.snmp import ber
from collector_plugins.snmp.ber import Oid, Value

VERSION_2C = 1


class PduType(IntEnum):
    """What a message asks or answers."""

    GET = 0xA0
    RESPONSE = 0xA2
    GET_BULK = 0xA5
    REPORT = 0xA8


class Pdu(NamedTuple):
    """One question or answer. Of GET_BULK `status` is the non-repeaters, `error_index` the repetitions."""

    kind: int
    request: int
    status: int
    error_index: int
    variables: Sequence[tuple[Oid, Value]]


class Security(Protocol):
    """How questions are packed and answers unpacked."""

    def pack(self, pdu: Pdu) -> bytes:
        """A question as it is sent."""

    def unpack(self, datagram: bytes) -> Pdu:
        """An answer; raises `ValueError` where it is none or is not genuine, `AuthFailed` where we are refused."""


class Community:
    """Version 2c: a word that everybody on the way can read."""

    def __init__(self, community: bytes) -> None:
        self._community = community

    def pack(self, pdu: Pdu) -> bytes:
        """A question as it is sent."""
        return ber.sequence(ber.integer(VERSION_2C), ber.octets(self._community), encode(pdu))

    def unpack(self, datagram: bytes) -> Pdu:
        """An answer; raises `ValueError`."""
        version, community, pdu = ber.elements(ber.only(datagram, ber.SEQUENCE))
        if ber.as_integer(version) != VERSION_2C or ber.expected(community, ber.OCTETS) != self._community:
            raise ValueError("not an answer of version 2c with this community")
        return decode(pdu)


def encode(pdu: Pdu) -> bytes:
    """A question; the values of its variables are left out."""
    null = ber.element(ber.NULL, b"")
    variables = (ber.sequence(ber.oid(oid), null) for oid, _ in pdu.variables)
    numbers = map(ber.integer, (pdu.request, pdu.status, pdu.error_index))
    return ber.element(pdu.kind, b"".join((*numbers, ber.sequence(*variables))))


def decode(one: ber.Element) -> Pdu:
    """An answer; raises `ValueError`."""
    if one.tag not in (PduType.RESPONSE, PduType.REPORT):
        raise ValueError("neither a response nor a report")
    request, status, index, variables = ber.elements(one.content)
    found = tuple(_variable(ber.expected(each, ber.SEQUENCE)) for each in ber.elements(ber.expected(variables, 0x30)))
    return Pdu(one.tag, ber.as_integer(request), ber.as_integer(status), ber.as_integer(index), found)


def _variable(content: bytes) -> tuple[Oid, Value]:
    name, value = ber.elements(content)
    return ber.as_oid(ber.expected(name, ber.OID)), ber.as_value(value)

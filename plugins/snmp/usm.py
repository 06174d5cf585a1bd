"""Version 3 with users: HMAC by SHA and AES-128 (RFC 3412, 3414, 3826, 7860)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from collector_core import AuthFailed
from collector_plugins.snmp import ber
from collector_plugins.snmp.ber import Oid
from collector_plugins.snmp.message import Pdu, PduType, decode, encode

VERSION_3, USER_BASED = 3, 3
MAX_SIZE = 65_507
AUTHENTIC, PRIVATE, REPORTABLE = 1, 2, 4
EXPANDED = 1 << 20  # bytes that a password is repeated to
TIME_WINDOW = 150  # seconds that a message may be old, or on its way
BLOCK = 16

_STATISTICS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
NOT_IN_TIME, UNKNOWN_ENGINE = 2, 4
_REFUSALS = {
    1: ("the device does not let this user ask so", "compare `auth_password` and `privacy_password` with its settings"),
    3: ("the device does not know the user", "check `username`"),
    5: ("the device says that the password is wrong", "check `auth_password` and `auth_protocol`"),
    6: ("the device cannot decrypt what it is asked", "check `privacy_password`; the device must use AES-128"),
}


class AuthProtocol(StrEnum):
    """The hash function that messages are authenticated with."""

    SHA = "sha"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def name_of_hash(self) -> str:
        """As `hashlib` calls it."""
        return "sha1" if self is AuthProtocol.SHA else self.value

    @property
    def size(self) -> int:
        """Bytes of its code in a message."""
        return {"sha": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}[self.value]


class User(NamedTuple):
    """Who asks, and by which passwords; without the second one answers can be read on the way."""

    name: bytes
    protocol: AuthProtocol
    auth_password: bytes
    privacy_password: bytes | None

    def localized_key(self, password: bytes, engine: bytes) -> bytes:
        """What a password becomes for one device."""
        whole = password * (EXPANDED // len(password) + 1)
        key = hashlib.new(self.protocol.name_of_hash, whole[:EXPANDED]).digest()
        return hashlib.new(self.protocol.name_of_hash, key + engine + key).digest()


class _Engine:
    """A device: its id, its clock, and the user's keys there; until a signed message tells the clock it is a guess."""

    def __init__(self, user: User, engine_id: bytes, boots: int, seconds: int, now: float) -> None:
        self._user = user
        self.engine_id = engine_id
        self.boots = boots
        self._offset = seconds - now
        self._newest = (-1, -1)  # boots and seconds of signed messages

    @cached_property
    def auth_key(self) -> bytes:
        return self._user.localized_key(self._user.auth_password, self.engine_id)

    @cached_property
    def privacy_key(self) -> bytes | None:
        password = self._user.privacy_password
        return self._user.localized_key(password, self.engine_id)[:BLOCK] if password else None

    def take_clock(self, boots: int, seconds: int, now: float) -> None:
        """Follow the clock of a signed message; raises `ValueError` for one of long ago (RFC 3414, 3.2, 7b)."""
        if (boots, seconds) > self._newest:
            self._newest = (boots, seconds)
            self.boots, self._offset = boots, seconds - now
        elif boots < self.boots or seconds < self.seconds(now) - TIME_WINDOW:
            raise ValueError("an answer of long ago")

    def seconds(self, now: float) -> int:
        return int(now + self._offset)


class _Parameters(NamedTuple):
    """The security parameters of a message, and whose they are."""

    engine_id: bytes
    boots: int
    seconds: int
    code: bytes
    salt: bytes


class UserSecurity:
    """Signs, encrypts and checks messages with one device; `monotonic` tells the time in seconds."""

    def __init__(self, user: User, monotonic: Callable[[], float]) -> None:
        self._user = user
        self._monotonic = monotonic
        self._engine: _Engine | None = None
        self._asked = 0  # the number of the latest question
        self._salt = secrets.randbits(64)

    def pack(self, pdu: Pdu) -> bytes:
        """A question; before the device is known, one that only asks who it is."""
        self._asked = pdu.request
        if self._engine is None:
            who = _scoped(b"", pdu._replace(variables=()))
            return _message(pdu.request, REPORTABLE, _Parameters(b"", 0, 0, b"", b""), b"", who)
        engine = self._engine
        boots, seconds = engine.boots, engine.seconds(self._monotonic())
        body, salt, flags = _scoped(engine.engine_id, pdu), b"", REPORTABLE | AUTHENTIC
        if engine.privacy_key:
            self._salt = (self._salt + 1) & (1 << 64) - 1
            salt, flags = self._salt.to_bytes(8, "big"), flags | PRIVATE
            body = ber.octets(encrypt(engine.privacy_key, _vector(boots, seconds, salt), body))
        blank = _Parameters(engine.engine_id, boots, seconds, bytes(self._user.protocol.size), salt)
        unsigned = _message(pdu.request, flags, blank, self._user.name, body)
        return _message(pdu.request, flags, blank._replace(code=self._code(engine, unsigned)), self._user.name, body)

    def unpack(self, datagram: bytes) -> Pdu:
        """An answer; raises `ValueError` where it is none or is not genuine, `AuthFailed` where the device refuses."""
        version, header, parameters, body = ber.elements(ber.only(datagram, ber.SEQUENCE))
        number, _, flags, model = ber.elements(ber.expected(header, ber.SEQUENCE))
        if ber.as_integer(version) != VERSION_3 or ber.as_integer(model) != USER_BASED:
            raise ValueError("not a message of version 3 with users")
        told = _parameters(ber.expected(parameters, ber.OCTETS))
        level = int.from_bytes(ber.expected(flags, ber.OCTETS)[:1], "big")
        is_authentic = bool(level & AUTHENTIC) and self._is_authentic(datagram, told)
        pdu = self._opened(body, told) if level & PRIVATE else _inner(body)
        pdu = pdu._replace(request=ber.as_integer(number))  # devices leave that of a report empty
        if pdu.kind == PduType.REPORT:
            if pdu.request == self._asked:  # all that unsigned ones have to show for themselves
                self._take_report(pdu, told, is_authentic=is_authentic)
        elif not is_authentic or bool(level & PRIVATE) != bool(self._engine and self._engine.privacy_key):
            raise ValueError("an answer that anybody could have sent")
        return pdu

    def _take_report(self, pdu: Pdu, told: _Parameters, *, is_authentic: bool) -> None:
        number = next((name[len(_STATISTICS)] for name, _ in pdu.variables if name[:9] == _STATISTICS and name[9:]), 0)
        if number in _REFUSALS:
            detail, fix = _REFUSALS[number]
            raise AuthFailed(detail, fix=fix)
        if number == UNKNOWN_ENGINE and told.engine_id:
            if self._engine is None or self._engine.engine_id != told.engine_id:
                self._engine = _Engine(self._user, told.engine_id, told.boots, told.seconds, self._monotonic())
        elif number != NOT_IN_TIME or not is_authentic:
            raise ValueError("a report that says nothing")

    def _is_authentic(self, datagram: bytes, told: _Parameters) -> bool:
        engine = self._engine
        if engine is None or told.engine_id != engine.engine_id or len(told.code) != self._user.protocol.size:
            raise ValueError("an answer of another device")
        # Nothing before the code is long enough to hold these bytes, too.
        blank = datagram.replace(told.code, bytes(len(told.code)), 1)
        if not hmac.compare_digest(self._code(engine, blank), told.code):
            raise ValueError("an answer with a wrong code")
        engine.take_clock(told.boots, told.seconds, self._monotonic())
        return True

    def _opened(self, body: ber.Element, told: _Parameters) -> Pdu:
        if self._engine is None or self._engine.privacy_key is None:
            raise ValueError("encrypted although we asked in the clear")
        vector = _vector(told.boots, told.seconds, told.salt)
        (scoped,) = ber.elements(decrypt(self._engine.privacy_key, vector, ber.expected(body, ber.OCTETS)))
        return _inner(scoped)

    def _code(self, engine: _Engine, message: bytes) -> bytes:
        digest = hmac.digest(engine.auth_key, message, self._user.protocol.name_of_hash)
        return digest[: self._user.protocol.size]


def encrypt(key: bytes, vector: bytes, plain: bytes) -> bytes:
    """AES-128 in cipher feedback mode of 128 bits."""
    cipher, previous, parts = _cipher(key), vector, list[bytes]()
    for at in range(0, len(plain), BLOCK):
        previous = _xor(plain[at : at + BLOCK], cipher(previous))
        parts.append(previous)
    return b"".join(parts)


def decrypt(key: bytes, vector: bytes, secret: bytes) -> bytes:
    """The opposite of `encrypt`."""
    whole = secret[: len(secret) - 1 - (len(secret) - 1) % BLOCK] if secret else b""
    return _xor(secret, _cipher(key)(vector + whole))


def _cipher(key: bytes) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - only for privacy

    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305 - the feedback is ours


def _xor(text: bytes, stream: bytes) -> bytes:
    return bytes(map(int.__xor__, text, stream))


def _vector(boots: int, seconds: int, salt: bytes) -> bytes:
    if len(salt) != 8:
        raise ValueError("privacy parameters of an impossible length")
    return struct.pack(">II", boots & 0xFFFFFFFF, seconds & 0xFFFFFFFF) + salt


def _scoped(engine: bytes, pdu: Pdu) -> bytes:
    return ber.sequence(ber.octets(engine), ber.octets(b""), encode(pdu))


def _inner(scoped: ber.Element) -> Pdu:
    _, _, pdu = ber.elements(ber.expected(scoped, ber.SEQUENCE))
    return decode(pdu)


def _message(number: int, flags: int, parameters: _Parameters, user: bytes, body: bytes) -> bytes:
    header = ber.sequence(
        ber.integer(number), ber.integer(MAX_SIZE), ber.octets(bytes((flags,))), ber.integer(USER_BASED)
    )
    security = ber.sequence(
        ber.octets(parameters.engine_id),
        ber.integer(parameters.boots),
        ber.integer(parameters.seconds),
        ber.octets(user),
        ber.octets(parameters.code),
        ber.octets(parameters.salt),
    )
    return ber.sequence(ber.integer(VERSION_3), header, ber.octets(security), body)


def _parameters(content: bytes) -> _Parameters:
    engine, boots, seconds, _, code, salt = ber.elements(ber.only(content, ber.SEQUENCE))
    return _Parameters(
        ber.expected(engine, ber.OCTETS),
        ber.as_integer(boots),
        ber.as_integer(seconds),
        ber.expected(code, ber.OCTETS),
        ber.expected(salt, ber.OCTETS),
    )

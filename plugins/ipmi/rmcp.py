"""Messages of IPMI 2.0 over the network (RMCP+) by cipher suite 3: HMAC-SHA1 and AES-128 (chapters 13, 20)."""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

HEADER = struct.Struct("<4sBBIIH")  # RMCP, format, payload type, session, sequence number, length
RMCP = bytes.fromhex("06 00 ff 07")
FORMAT = 6
ENCRYPTED, AUTHENTICATED = 0x80, 0x40
BLOCK = 16
CODE = 12  # bytes of HMAC-SHA1-96
BMC, CONSOLE = 0x20, 0x81  # addresses of the two ends
NUMBERS = 64  # of requests, before they begin again


class Payload(IntEnum):
    """What a message is about."""

    IPMI = 0x00
    OPEN_REQUEST = 0x10
    OPEN_RESPONSE = 0x11
    RAKP_1 = 0x12
    RAKP_2 = 0x13
    RAKP_3 = 0x14
    RAKP_4 = 0x15


class Message(NamedTuple):
    """A message outside of a session, or within it once it has been checked and decrypted."""

    payload: int
    session: int
    body: bytes


class Reply(NamedTuple):
    """What a BMC replies to a request: its number, the command, 0 or what went wrong, and data."""

    number: int
    command: int
    completion: int
    data: bytes


def encode(payload: Payload, body: bytes) -> bytes:
    """A message outside of a session."""
    return HEADER.pack(RMCP, FORMAT, payload, 0, 0, len(body)) + body


def decode(datagram: bytes) -> Message:
    """A message outside of a session; raises `ValueError`."""
    kind, session, body, _ = _split(datagram)
    if kind & (ENCRYPTED | AUTHENTICATED):
        raise ValueError("a message within a session")
    return Message(kind, session, body)


def encode_request(number: int, net_function: int, command: int, data: bytes) -> bytes:
    """A request to the BMC."""
    head = bytes([BMC, net_function << 2])
    body = bytes([CONSOLE, number << 2, command]) + data
    return head + _checksum(head) + body + _checksum(body)


def decode_reply(message: bytes) -> Reply:
    """What came back; raises `ValueError`."""
    if len(message) < 8 or sum(message[:3]) & 0xFF or sum(message[3:]) & 0xFF:
        raise ValueError("no reply, or a wrong checksum")
    return Reply(message[4] >> 2, message[5], message[6], message[7:-1])


class Seal:
    """Signs and encrypts what goes through one session, and checks and decrypts what comes."""

    def __init__(self, session_key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - an extra

        self._code_key, secret = (hmac.digest(session_key, bytes([each]) * 20, "sha1") for each in (1, 2))
        self._cipher: Callable[[bytes], Any] = lambda start: Cipher(algorithms.AES(secret[:BLOCK]), modes.CBC(start))

    def encode(self, session: int, sequence: int, body: bytes) -> bytes:
        """A message in a session of the BMC's number."""
        body += bytes(range(1, (-len(body) - 1) % BLOCK + 1)) + bytes([(-len(body) - 1) % BLOCK])
        start = os.urandom(BLOCK)
        encryptor = self._cipher(start).encryptor()
        content = start + encryptor.update(body) + encryptor.finalize()
        kind = Payload.IPMI | ENCRYPTED | AUTHENTICATED
        header = HEADER.pack(RMCP, FORMAT, kind, session, sequence, len(content))
        padding = (-len(header[4:] + content) - 2) % 4
        signed = header[4:] + content + b"\xff" * padding + bytes([padding, 7])
        return bytes(RMCP + signed + hmac.digest(self._code_key, signed, "sha1")[:CODE])

    def decode(self, datagram: bytes) -> Message:
        """A message of the session; raises `ValueError` for whatever else comes."""
        kind, session, content, trailer = _split(datagram)
        code = hmac.digest(self._code_key, datagram[4:-CODE], "sha1")[:CODE]
        if not kind & ENCRYPTED or not kind & AUTHENTICATED or len(trailer) <= CODE:
            raise ValueError("a message outside of a session")
        if not hmac.compare_digest(code, datagram[-CODE:]) or len(content) < 2 * BLOCK or len(content) % BLOCK:
            raise ValueError("a message that somebody else has made")
        decryptor = self._cipher(content[:BLOCK]).decryptor()
        body = decryptor.update(content[BLOCK:]) + decryptor.finalize()
        return Message(kind & 0x3F, session, bytes(body[: -1 - body[-1]]))


class Handshake:
    """How both ends show that they know the password, without sending it (RAKP)."""

    LOOK_UP_BY_NAME, USER = 0x10, 2

    def __init__(self, console: int, bmc: int, username: str, password: str) -> None:
        self._console = struct.pack("<I", console)
        self._bmc = struct.pack("<I", bmc)
        self._secret = password.encode()
        self._random = os.urandom(16)
        role = self.LOOK_UP_BY_NAME | self.USER
        self._who = bytes([role, len(username.encode())]) + username.encode()
        self._theirs = self._theirs_id = b""

    def first(self) -> bytes:
        """RAKP 1: who asks."""
        return bytes(4) + self._bmc + self._random + self._who[:1] + bytes(2) + self._who[1:]

    def knows_password(self, second: bytes) -> bool:
        """Whether the BMC that sent RAKP 2 has the same password."""
        self._theirs, self._theirs_id, code = second[8:24], second[24:40], second[40:60]
        parts = (self._console, self._bmc, self._random, self._theirs, self._theirs_id, self._who)
        return hmac.compare_digest(code, self._sign(self._secret, parts))

    def third(self) -> bytes:
        """RAKP 3: the proof that this end knows the password."""
        return bytes(4) + self._bmc + self._sign(self._secret, (self._theirs, self._console, self._who))

    def session_key(self) -> bytes:
        """What the keys of the session are made of."""
        return self._sign(self._secret, (self._random, self._theirs, self._who))

    def is_agreed(self, fourth: bytes) -> bool:
        """Whether the BMC that sent RAKP 4 has the same keys."""
        code = self._sign(self.session_key(), (self._random, self._bmc, self._theirs_id))
        return hmac.compare_digest(fourth[8 : 8 + CODE], code[:CODE])

    @staticmethod
    def _sign(key: bytes, parts: Sequence[bytes]) -> bytes:
        return hmac.digest(key, b"".join(parts), "sha1")


def _split(datagram: bytes) -> tuple[int, int, bytes, bytes]:
    """Payload type, session, content, and what follows it."""
    if len(datagram) < HEADER.size:
        raise ValueError("too short")
    rmcp, form, kind, session, _, length = HEADER.unpack_from(datagram)
    content = datagram[HEADER.size : HEADER.size + length]
    if rmcp[:1] + rmcp[3:] != RMCP[:1] + RMCP[3:] or form != FORMAT or len(content) != length:
        raise ValueError("no message of IPMI 2.0")
    return kind, session, content, datagram[HEADER.size + length :]


def _checksum(part: bytes) -> bytes:
    return bytes([-sum(part) & 0xFF])

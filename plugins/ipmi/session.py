"""A session with a BMC that is kept from reading to reading, so that one costs a datagram each way."""

from __future__ import annotations

import secrets
import struct

from collector_core import AuthFailed, NotAvailable, Reason
from collector_plugins.ipmi import rmcp
from collector_plugins.ipmi.datagrams import Datagrams
from collector_plugins.ipmi.rmcp import Handshake, Payload, Reply, Seal

APPLICATION, CLOSE_SESSION = 0x06, 0x3C
# Each as (type, reserved, length 8, algorithm): RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128.
SUITE_3 = bytes.fromhex("00 00 00 08 01 00 00 00  01 00 00 08 01 00 00 00  02 00 00 08 01 00 00 00")
ATTEMPTS = 2

OUT_OF_SESSIONS = 0x01
NO_SUCH_LOGIN = frozenset({0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F})
NO_SUCH_SUITE = frozenset({0x04, 0x05, 0x10, 0x11})


class Session:
    """One BMC and one user; opened when it is needed, and again where the BMC has forgotten it.

    `has_worked` is whether the BMC has ever let it in.
    """

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self._place = host, port
        self._login = username, password
        self.has_worked = False
        self._socket: Datagrams | None = None
        self._open: _Open | None = None

    async def request(self, net_function: int, command: int, data: bytes) -> Reply:
        """What the BMC replies; raises `NotAvailable`, or `AuthFailed` where it refuses the login."""
        try:
            if self._open:
                try:
                    return await self._open.ask(net_function, command, data)
                except TimeoutError:
                    self.close()
            self._socket = await Datagrams.connect(*self._place)
            self._open = await _log_in(self._socket, *self._login)
            self.has_worked = True
            return await self._open.ask(net_function, command, data)
        except TimeoutError:
            self.close()
            fix = "check `address` and `username`, and that IPMI over LAN is enabled on the BMC"
            raise NotAvailable(Reason.TIMEOUT, "the BMC does not answer", fix=fix) from None
        except BaseException:  # also at its deadline: nobody knows what is under way
            self.close()
            raise

    def close(self) -> None:
        """Give the session back to the BMC, which has few."""
        if self._open:
            self._open.end()
        if self._socket:
            self._socket.close()
        self._socket = self._open = None


class _Open:
    """A session that the BMC knows; `bmc` and `console` are its numbers at both ends."""

    def __init__(self, socket: Datagrams, bmc: int, console: int, seal: Seal) -> None:
        self._socket = socket
        self._bmc = bmc
        self._console = console
        self._seal = seal
        self._sequence = self._number = 0

    async def ask(self, net_function: int, command: int, data: bytes) -> Reply:
        """What the BMC replies; raises `TimeoutError`, and `NotAvailable` where nobody listens."""
        self._number = number = (self._number + 1) % rmcp.NUMBERS
        request = rmcp.encode_request(number, net_function, command, data)

        def read(datagram: bytes) -> Reply | None:
            message = self._seal.decode(datagram)
            reply = rmcp.decode_reply(message.body)
            is_ours = message.session == self._console and (reply.number, reply.command) == (number, command)
            return reply if is_ours else None

        return await self._socket.exchange(lambda: self._sealed(request), read, ATTEMPTS)

    def end(self) -> None:
        """Tell the BMC that it is over."""
        number = struct.pack("<I", self._bmc)
        self._socket.send(self._sealed(rmcp.encode_request(0, APPLICATION, CLOSE_SESSION, number)))

    def _sealed(self, request: bytes) -> bytes:
        self._sequence += 1
        return self._seal.encode(self._bmc, self._sequence, request)


async def _log_in(socket: Datagrams, username: str, password: str) -> _Open:
    """Raises `TimeoutError`, `NotAvailable`, and `AuthFailed` where the BMC has another password."""
    console = secrets.randbits(31) | 1
    ours = struct.pack("<I", console)

    async def step(payload: Payload, content: bytes, expected: Payload) -> bytes:
        def read(datagram: bytes) -> bytes | None:
            message = rmcp.decode(datagram)
            return message.body if message.payload == expected and message.body[4:8] == ours else None

        body = await socket.exchange(lambda: rmcp.encode(payload, content), read, ATTEMPTS)
        if body[1]:
            raise _problem(body[1])
        return body

    answer = await step(Payload.OPEN_REQUEST, bytes(4) + ours + SUITE_3, Payload.OPEN_RESPONSE)
    bmc = int.from_bytes(answer[8:12], "little")
    handshake = Handshake(console, bmc, username, password)
    if not handshake.knows_password(await step(Payload.RAKP_1, handshake.first(), Payload.RAKP_2)):
        raise _refused()
    if not handshake.is_agreed(await step(Payload.RAKP_3, handshake.third(), Payload.RAKP_4)):
        raise _refused()
    return _Open(socket, bmc, console, Seal(handshake.session_key()))


def _refused() -> AuthFailed:
    return AuthFailed("the BMC refuses the login", fix="check `username` and `password`; the user needs the role USER")


def _problem(status: int) -> Exception:
    if status in NO_SUCH_LOGIN:
        return _refused()
    if status in NO_SUCH_SUITE:
        return NotAvailable(Reason.NOT_SUPPORTED, "the BMC has no cipher suite 3", fix="enable it on the BMC")
    if status == OUT_OF_SESSIONS:
        fix = "end other programs that read it, or wait a minute until it forgets them"
        return NotAvailable(Reason.UNREACHABLE, "all sessions of the BMC are taken", fix=fix)
    return NotAvailable(Reason.UNREACHABLE, f"the BMC opens no session (status {status})", fix="restart the BMC")

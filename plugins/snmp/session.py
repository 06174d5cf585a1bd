"""Asks a device over UDP: lost datagrams are sent again, answers to earlier questions are thrown away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from typing import cast

from collector_core import AuthFailed, NotAvailable, NotListening, Reason
from collector_plugins.snmp.ber import Oid, Value
from collector_plugins.snmp.message import Pdu, PduType, Security

FIRST_PAUSE = 1.0  # seconds until a question is sent again, then twice as long
AT_ONCE = 24  # variables in a question, so that its answer fits a packet
MOST_VARIABLES = 4000  # of a table
ROUNDS = 4  # of questions that a device answers with a report about itself
TOO_BIG, NO_ACCESS, NOT_AUTHORIZED = 1, 6, 16
_FIX = "check `address`, and that SNMP is enabled on the device"


class Session(asyncio.DatagramProtocol):
    """To one device; one question at a time."""

    def __init__(self, security: Security) -> None:
        self._is_garbled = False  # whether what came last is no answer
        self._security = security
        self._transport: asyncio.DatagramTransport | None = None
        self._request = secrets.randbelow(1 << 30)
        self._answer: asyncio.Future[Pdu] | None = None

    @classmethod
    async def open(cls, host: str, port: int, security: Security) -> Session:
        """A session with the device there; raises `NotAvailable` where the name means nothing."""
        try:
            _, session = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: cls(security), remote_addr=(host, port)
            )
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise NotAvailable(Reason.UNREACHABLE, f"cannot send to it: {words}", fix=_FIX) from None
        return session

    async def get(self, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """What each variable holds; what the device does not have, or fails to read, is left out."""
        found: dict[Oid, Value] = {}
        open_ = [list(oids[at : at + AT_ONCE]) for at in range(0, len(oids), AT_ONCE)]
        while open_:
            some = open_.pop()
            answer = await self._ask(PduType.GET, some)
            if answer.status == 0:
                found |= {name: value for name, value in answer.variables if value is not None}
            elif answer.status == TOO_BIG and len(some) > 1:
                open_ += [some[: len(some) // 2], some[len(some) // 2 :]]
            elif 1 <= answer.error_index <= len(some):  # that one alone
                open_ += filter(None, [some[: answer.error_index - 1] + some[answer.error_index :]])
            else:
                raise _problem(answer.status)
        return found

    async def walk(self, base: Oid) -> dict[Oid, Value]:
        """Everything below an object identifier."""
        found: dict[Oid, Value] = {}
        last, repetitions = base, AT_ONCE
        while len(found) < MOST_VARIABLES:
            answer = await self._ask(PduType.GET_BULK, [last], repetitions)
            if answer.status == TOO_BIG and repetitions > 1:
                repetitions //= 2
                continue
            for name, value in answer.variables:
                if value is None or name[: len(base)] != base or name <= last:
                    return found
                found[name] = value
                last = name
            if answer.status or not answer.variables:
                return found
        return found

    async def next_of(self, oids: Sequence[Oid]) -> list[Oid]:
        """The first variable behind each object identifier."""
        answer = await self._ask(PduType.GET_BULK, oids, 1)
        return [name for name, value in answer.variables if value is not None]

    def close(self) -> None:
        """Ask nothing more."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio says."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """As asyncio says."""
        del addr
        try:
            answer = self._security.unpack(data)
        except ValueError:
            self._is_garbled = True
        except AuthFailed as error:
            self._fail(error)
        else:
            if self._answer and not self._answer.done() and answer.request == self._request:
                self._answer.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        """As asyncio says."""
        if isinstance(exc, ConnectionRefusedError):
            self._fail(NotListening(Reason.UNREACHABLE, "nothing listens there", fix=_FIX))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)

    async def _ask(self, kind: PduType, oids: Iterable[Oid], repetitions: int = 0) -> Pdu:
        variables = tuple((oid, None) for oid in oids)
        for _ in range(ROUNDS):
            self._request = (self._request + 1) & 0x7FFFFFFF
            answer = await self._exchange(Pdu(kind, self._request, 0, repetitions, variables))
            if answer.kind == PduType.RESPONSE:
                return answer
        raise NotAvailable(Reason.BAD_DATA, "its clock runs away from ours", fix="restart the device's SNMP agent")

    async def _exchange(self, question: Pdu) -> Pdu:
        """The answer; without one it goes on for as long as it may."""
        if self._transport is None or self._transport.is_closing():
            raise NotAvailable(Reason.UNREACHABLE, "the session is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._is_garbled, pause = False, FIRST_PAUSE
        while not self._answer.done():
            self._transport.sendto(self._security.pack(question))
            await asyncio.wait([self._answer], timeout=pause)
            pause *= 2
            if self._is_garbled and not self._answer.done():
                raise NotAvailable(
                    Reason.BAD_DATA, "what it answers is not SNMP, or not from it", fix="check `address` and `version`"
                )
        return self._answer.result()


def _problem(status: int) -> NotAvailable:
    if status in (NO_ACCESS, NOT_AUTHORIZED):
        return NotAvailable(
            Reason.PERMISSION,
            "the device does not let us read",
            fix="let the community or user read all of it; a user may have to set `privacy_password`",
        )
    return NotAvailable(Reason.BAD_DATA, f"it answers with error {status}", fix="see its own log")

"""JSON-RPC 2.0 over any transport: requests in one batch where the node takes batches, answers matched by id.

https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple, Protocol

from collector_core import NotAvailable, Reason

MOST_NOTIFICATIONS = 1000  # messages in between that nobody asked for
LONGEST_MESSAGE = 120  # characters of an error that a node sends


class Call(NamedTuple):
    """A method and its parameters."""

    method: str
    params: tuple[Any, ...] = ()


class RpcError(Exception):
    """The node refused a call: its code and its words, bounded and printable."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(f"{message} (code {code})" if message else f"code {code}")


Result = Any  # decoded JSON, or an `RpcError`


class Transport(Protocol):
    """Carries one message there and one back."""

    async def exchange(self, message: bytes) -> bytes:
        """The answer to a message; raises `NotAvailable`."""

    async def close(self) -> None:
        """Hang up; `exchange` connects again."""


class Rpc:
    """Asks one node."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._ids = count(1)
        self._takes_batches = True

    async def ask(self, calls: Sequence[Call]) -> list[Result]:
        """A result or an `RpcError` for each call, in their order; raises `NotAvailable`."""
        if self._takes_batches and len(calls) > 1:
            try:
                return await self._ask_together(calls)
            except RpcError:  # one error for the whole batch
                self._takes_batches = False
        return [await self._ask_one(call) for call in calls]

    async def close(self) -> None:
        """Hang up."""
        await self._transport.close()

    async def _ask_together(self, calls: Sequence[Call]) -> list[Result]:
        numbers = [next(self._ids) for _ in calls]
        requests = [_request(call, number) for call, number in zip(calls, numbers, strict=True)]
        answers = match(await self._transport.exchange(json.dumps(requests).encode()), numbers)
        return [answers[number] for number in numbers]

    async def _ask_one(self, call: Call) -> Result:
        number = next(self._ids)
        return match_one(await self._transport.exchange(json.dumps(_request(call, number)).encode()), number)


def match(message: bytes, numbers: Sequence[int]) -> dict[int, Result]:
    """The results of a batch by id; raises `RpcError` for one error instead of them, `NotAvailable` for no answer."""
    answer = decode(message)
    if isinstance(answer, dict) and answer.get("error") is not None:
        raise _error(answer["error"])
    if not isinstance(answer, list) or len(answer) != len(numbers):
        raise bad_data("its answer to a batch is none")
    found = {number: _result(each) for each in answer if (number := _id(each)) is not None}
    if set(found) != set(numbers):
        raise bad_data("its answer has other ids than were asked")
    return found


def match_one(message: bytes, number: int) -> Result:
    """The result of a single call; raises `NotAvailable` for what is no answer to it."""
    answer = decode(message)
    refused = isinstance(answer, dict) and answer.get("id") is None and answer.get("error") is not None
    if not refused and _id(answer) != number:
        raise bad_data("its answer has another id than was asked")
    return _result(answer)


def decode(message: bytes) -> Any:
    """JSON; raises `NotAvailable` for what is none."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        raise bad_data("its answer is not valid JSON") from None


def bad_data(detail: str) -> NotAvailable:
    """The node answered something that cannot be used."""
    fix = "check that `url` is the node's JSON-RPC endpoint: eth_blockNumber must work there"
    return NotAvailable(Reason.BAD_DATA, detail, fix=fix)


def connection_failed(error: OSError) -> NotAvailable:
    """A connection that was there broke."""
    detail = f"the connection failed ({type(error).__name__})"
    return NotAvailable(Reason.UNREACHABLE, detail, fix="check `url` and the network to the node")


def is_notification(message: bytes) -> bool:
    """Whether a message is about a subscription and no answer; raises `NotAvailable` for what is not JSON."""
    if b'"method"' not in message[:1000]:
        return False
    value = decode(message)
    return isinstance(value, dict) and "id" not in value


def _request(call: Call, number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": list(call.params)}


def _id(answer: object) -> int | None:
    number = answer.get("id") if isinstance(answer, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _result(answer: Any) -> Result:
    if answer.get("error") is not None:
        return _error(answer["error"])
    if "result" not in answer:
        raise bad_data("its answer has neither a result nor an error")
    return answer["result"]


def _error(error: object) -> RpcError:
    """What a node says is wrong, bounded; it may repeat anything, even our key."""
    fields = error if isinstance(error, dict) else {}
    code, message = fields.get("code"), fields.get("message")
    number = code if isinstance(code, int) and abs(code) < 10**6 else 0
    text = message[:LONGEST_MESSAGE] if isinstance(message, str) else ""
    return RpcError(number, "".join(letter if letter.isprintable() else " " for letter in text))

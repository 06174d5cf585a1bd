"""JSON-RPC 2.0 over any transport: requests in batches as large as the node takes them, answers matched by id.

https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple, Protocol

from collector_core import AuthFailed, Clock, HttpStatusError, NotAvailable, NotListening, Reason, reason_of
from collector_plugins.blockchain.batch_size import BatchSize
from collector_plugins.blockchain.refusals import RpcError, error_in, parse_error

MOST_NOTIFICATIONS = 1000  # messages in between that nobody asked for
TOO_MANY_REQUESTS = 429
FORBIDDEN = 403
LONGEST_TEXT = 2000  # bytes of an answer in words
MOST_HANGS = 2  # batches in a row that do not come back, before a single call is tried


class Call(NamedTuple):
    """A method and its parameters."""

    method: str
    params: tuple[Any, ...] = ()


Result = Any  # decoded JSON, or an `RpcError`


class Transport(Protocol):
    """Carries one message there and one back."""

    async def exchange(self, message: bytes) -> bytes:
        """The answer to a message; raises `NotAvailable`."""

    async def close(self) -> None:
        """Hang up; `exchange` connects again."""


class Rpc:
    """Asks one node.

    What a node answers to a batch alone says nothing about the node: before it is given up, one call is sent by itself.
    If that is answered, batches are made smaller.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._ids = count(1)
        self._batches = BatchSize(clock)
        self._was_limited = False
        self._hangs = 0

    async def ask(self, calls: Sequence[Call]) -> list[Result]:
        """A result or an `RpcError` for each call, in their order; raises `NotAvailable`."""
        results: list[Result] = []
        while len(results) < len(calls):
            results += await self._ask_some(calls[len(results) :][: self._batches.most])
        return results

    async def close(self) -> None:
        """Hang up."""
        await self._transport.close()

    async def _ask_some(self, calls: Sequence[Call]) -> list[Result]:
        """The results of these calls, or of the first of them where the node does not take so many at once."""
        if len(calls) == 1:
            return [await self._ask_one(calls[0])]
        if self._hangs >= MOST_HANGS:
            return [await self._ask_instead_of_batch(calls[0], 2)]
        try:
            results = await self._ask_together(calls)
        except asyncio.CancelledError:
            self._hangs += 1
            raise
        except (RpcError, NotAvailable, AuthFailed) as refusal:
            self._raise_unless_of_batches(refusal)
            return [await self._ask_instead_of_batch(calls[0], len(calls))]
        self._was_limited, self._hangs = False, 0
        if len(results) < len(calls):
            self._batches.refused(len(calls))
        else:
            self._batches.accepted(len(calls))
        return results

    async def _ask_instead_of_batch(self, call: Call, size: int) -> Result:
        """Send one call by itself; if it is answered, the batch of `size` was what the node does not take."""
        result = await self._ask_one(call)
        if isinstance(result, RpcError) and result.is_limit:
            self._was_limited = True
            raise result.as_failure(str(result))
        self._hangs = 0
        self._batches.refused(size)
        return result

    def _raise_unless_of_batches(self, refusal: RpcError | NotAvailable | AuthFailed) -> None:
        """Raise what a single call would meet, too; a limit that comes again may be one that only batches exceed."""
        is_hang = _is_hang(refusal)
        self._hangs += is_hang
        is_first_limit = _is_limit(refusal) and not self._was_limited
        self._was_limited = _is_limit(refusal)
        if is_first_limit or is_hang or _is_of_the_node(refusal):
            raise refusal.as_failure(str(refusal)) if isinstance(refusal, RpcError) else refusal

    async def _ask_together(self, calls: Sequence[Call]) -> list[Result]:
        """The results, up to the first that a smaller batch may bring; raises `RpcError` where the batch is refused."""
        numbers = [next(self._ids) for _ in calls]
        requests = [_request(call, number) for call, number in zip(calls, numbers, strict=True)]
        answers = match(await self._transport.exchange(json.dumps(requests).encode()), numbers)
        results = [answers[number] for number in numbers]
        cut = next(
            (i for i, each in enumerate(results) if isinstance(each, RpcError) and each.is_about_size), len(calls)
        )
        if cut == 0:
            raise results[0]
        return results[:cut]

    async def _ask_one(self, call: Call) -> Result:
        number = next(self._ids)
        return match_one(await self._transport.exchange(json.dumps(_request(call, number)).encode()), number)


def _is_hang(refusal: Exception) -> bool:
    return reason_of(refusal) == Reason.TIMEOUT and not isinstance(refusal, HttpStatusError)


def _is_limit(refusal: Exception) -> bool:
    if isinstance(refusal, RpcError):
        return refusal.is_limit
    return isinstance(refusal, HttpStatusError) and refusal.status == TOO_MANY_REQUESTS


def _is_of_the_node(refusal: Exception) -> bool:
    """Whether it cannot be about batches: nothing listens, or a key is wrong."""
    is_key = isinstance(refusal, AuthFailed) and refusal.status != FORBIDDEN
    return isinstance(refusal, NotListening) or is_key


def match(message: bytes, numbers: Sequence[int]) -> dict[int, Result]:
    """The results of a batch by id; raises `RpcError` for an error instead of them, `NotAvailable` for no answer.

    Some nodes send the error as the answer to the first call alone.
    """
    answer = decode(message)
    if error := error_in(answer):
        raise error
    if not isinstance(answer, list):
        raise bad_data("its answer to a batch is none")
    errors = [error for each in answer if (error := error_in(each))]
    if len(answer) != len(numbers):
        worst = sorted(errors, key=lambda error: (not error.is_limit, not error.is_about_size))
        raise worst[0] if worst else bad_data("its answer to a batch is cut off")
    found = {number: _result(each) for each in answer if (number := _id(each)) is not None}
    if set(found) != set(numbers):
        raise bad_data("its answer has other ids than were asked")
    return found


def match_one(message: bytes, number: int) -> Result:
    """The result of a single call; raises `NotAvailable` for what is no answer to it."""
    answer = decode(message)
    error = error_in(answer)
    if error and answer.get("id") is None:
        return error
    if _id(answer) != number:
        raise bad_data("its answer has another id than was asked")
    return _result(answer)


def decode(message: bytes) -> Any:
    """JSON; raises `NotAvailable` for what is none."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        said = parse_error(message[:LONGEST_TEXT].decode(errors="replace"))
        if said.is_limit and len(message) <= LONGEST_TEXT:
            raise said.as_failure("it answers in words that it is asked too often") from None
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
    return error_in(answer) or answer.get("result", RpcError(0, "neither a result nor an error"))

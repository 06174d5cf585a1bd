"""Reads the past of a Prometheus for `history import --prometheus`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from collector_core.errors import NotAvailable, Reason
from collector_core.history import remote_read
from collector_core.history.importing import Readings
from collector_core.history.tiers import HOUR
from collector_core.http.client import HttpClient
from collector_core.http.failures import place
from collector_core.model.selector import Selector

SPAN = 6 * HOUR  # of one question: answers are held in memory
TIMEOUT = 120.0  # seconds
_PATH = "/api/v1/read"


def readings(url: str, selector: Selector, start: int, end: int) -> Iterator[Readings]:
    """What it has from `start` to before `end` (milliseconds), a part at a time.

    Raises `ValueError` for a selector that it cannot understand; the iterator raises `NotAvailable` and `AuthFailed`.
    """
    address = url.rstrip("/")
    address = address if address.endswith(_PATH) else address + _PATH
    spans = [(since, min(since + SPAN, end)) for since in range(start, end, SPAN)]
    return _answers(address, [remote_read.request(selector, *span) for span in spans])


def _answers(address: str, questions: Sequence[bytes]) -> Iterator[Readings]:
    for question in questions:
        body = asyncio.run(_ask(address, question))
        try:
            yield remote_read.parse(body)
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, f"{place(address)}: {error}", fix="name a Prometheus") from error


async def _ask(address: str, question: bytes) -> bytes:
    client = HttpClient(TIMEOUT)
    try:
        answer = await client.request(
            "POST", address, question, headers=remote_read.HEADERS, limit=remote_read.MAX_BYTES, repeatable=True
        )
        return answer.body
    finally:
        await client.close()

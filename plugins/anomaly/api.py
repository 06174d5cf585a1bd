"""`GET /api/v1/anomalies`: what was found, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from collector_core import Field, Query
from collector_plugins.anomaly.anomalies import Record

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/anomalies"


def _seconds(given: object) -> object:
    """RFC 3339 (`2026-05-01T12:00:00Z`) as seconds since 1970; numbers of seconds pass."""
    text = str(given)
    if text.count("-") < 2:
        return given
    when = datetime.fromisoformat(text.replace(" ", "+"))  # a + of a time zone that was not escaped
    if when.tzinfo is None:
        raise ValueError("a time needs its zone: 2026-05-01T12:00:00Z")
    return when.timestamp()


class AnomalyQuery(Query):
    """What may be asked."""

    since: Annotated[float, BeforeValidator(_seconds)] = 0.0
    severity: int = Field(1, ge=1, le=5)
    component: str | None = Field(None, min_length=1, max_length=64)
    limit: int = Field(100, ge=1, le=1000)


def answer(records: Sequence[Record], query: AnomalyQuery) -> dict[str, Any]:
    """The records, newest first as given, that a query means.

    `since` also finds what began earlier and went on then; `severity` is the lowest that is wanted.
    """
    found = [each for each in records if _is_meant(each, query)]
    return {"anomalies": [each.data() for each in found[: query.limit]], "matching": len(found)}


def routes(latest: Callable[[], Sequence[Record]]) -> Sequence[web.RouteDef]:
    """The one route; `latest` gives finished records on whatever thread."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def anomalies(request: web.Request) -> web.Response:
        return web.json_response(answer(latest(), AnomalyQuery.parse(request.query)))

    return [web.get(PATH, anomalies)]


def _is_meant(record: Record, query: AnomalyQuery) -> bool:
    last = record.time if record.ended is not None else float("inf")
    return (
        max(record.time, record.ended or last) >= query.since
        and record.severity >= query.severity
        and query.component in (None, record.component)
    )

"""`GET /api/v1/anomalies`: the recent anomalies, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from collector_core import Field, Query
from collector_plugins.anomaly.incidents.incident import Incident

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/anomalies"


def _parse_time(given: object) -> object:
    """RFC 3339 (`2026-05-01T12:00:00Z`) as seconds since 1970; numbers pass."""
    text = str(given)
    if text.count("-") < 2:
        return given
    when = datetime.fromisoformat(text.replace(" ", "+"))  # the + of a time zone that was not escaped
    if when.tzinfo is None:
        raise ValueError("the time lacks its zone; write 2026-05-01T12:00:00Z")
    return when.timestamp()


class AnomalyQuery(Query):
    """The parameters of the route."""

    since: Annotated[float, BeforeValidator(_parse_time)] = 0.0
    severity: int = Field(1, ge=1, le=5)
    component: str | None = Field(None, min_length=1, max_length=64)
    limit: int = Field(100, ge=1, le=1000)


def answer(incidents: Sequence[Incident], query: AnomalyQuery) -> dict[str, Any]:
    """The incidents, given newest first, that match a query.

    `since` also finds what began earlier and lasted until then; `severity` is the lowest that is wanted.
    """
    found = [each for each in incidents if _matches(each, query)]
    return {"anomalies": [each.to_json() for each in found[: query.limit]], "matching": len(found)}


def routes(latest: Callable[[], Sequence[Incident]]) -> Sequence[web.RouteDef]:
    """The one route; `latest` may be called on any thread and returns incidents that the caller does not change."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def anomalies(request: web.Request) -> web.Response:
        return web.json_response(answer(latest(), AnomalyQuery.parse(request.query)))

    return [web.get(PATH, anomalies)]


def _matches(incident: Incident, query: AnomalyQuery) -> bool:
    lasts_until = float("inf") if incident.ended is None else incident.ended
    return (
        max(incident.time, lasts_until) >= query.since
        and incident.severity >= query.severity
        and query.component in (None, incident.component)
    )

"""`/api/v1/anomalies`: the recent anomalies, newest first, what people say of them, and how right they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from collector_core import ApiError, Field, Query
from collector_plugins.anomaly.incidents.incident import CONFIRMED, MUTED, Incident, Outcome
from collector_plugins.anomaly.incidents.track_record import AlreadyJudgedError, TrackRecord

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/anomalies"
RECORD_PATH = f"{PATH}/record"
OUTCOMES = {"confirm": CONFIRMED, "mute": MUTED}


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


def routes(
    latest: Callable[[], Sequence[Incident]], record: TrackRecord, judged: Callable[[], None]
) -> Sequence[web.RouteDef]:
    """All routes; they are asked on any thread.

    `latest` returns the incidents, `record` counts what people say of them, and `judged` is called when they have.
    """
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def anomalies(request: web.Request) -> web.Response:
        return web.json_response(answer(latest(), AnomalyQuery.parse(request.query)))

    async def get_record(request: web.Request) -> web.Response:
        del request
        return web.json_response(record.to_json())

    async def judge(request: web.Request) -> web.Response:
        incident = _find(latest(), request.match_info["id"])
        _judge(record, incident, OUTCOMES[request.match_info["action"]])
        judged()
        return web.json_response(incident.to_json())

    return [
        web.get(PATH, anomalies),
        web.get(RECORD_PATH, get_record),
        web.post(f"{PATH}/{{id}}/{{action:{'|'.join(OUTCOMES)}}}", judge),
    ]


def _find(incidents: Sequence[Incident], wanted: str) -> Incident:
    for incident in incidents:
        if incident.id == wanted:
            return incident
    raise ApiError(404, "there is no anomaly with this id", field="id", fix=f"GET {PATH} lists those that are kept")


def _judge(record: TrackRecord, incident: Incident, outcome: Outcome) -> None:
    try:
        record.judge(incident, outcome)
    except AlreadyJudgedError as error:
        raise ApiError(409, str(error), fix="what was said once is counted, and stays") from error


def _matches(incident: Incident, query: AnomalyQuery) -> bool:
    lasts_until = float("inf") if incident.ended is None else incident.ended
    return (
        max(incident.time, lasts_until) >= query.since
        and incident.severity >= query.severity
        and query.component in (None, incident.component)
    )

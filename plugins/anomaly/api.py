"""`GET /api/v1/anomalies`: what was found, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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


class Query(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    since: Annotated[float, BeforeValidator(_seconds), Field(allow_inf_nan=False)] = 0.0
    severity: int = Field(1, ge=1, le=5)
    component: str | None = Field(None, min_length=1, max_length=64)
    limit: int = Field(100, ge=1, le=1000)


class Refused(ValueError):
    """A query that cannot be answered: the parameter and what is wrong with it."""

    def __init__(self, field: str, error: str) -> None:
        super().__init__(f"{field}: {error}")
        self.answer = {"error": error, "field": field}


def answer(records: Sequence[Record], asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The records, newest first as given, that a query means; raises `Refused`.

    `since` also finds what began earlier and went on then; `severity` is the lowest that is wanted.
    """
    query = _parse(asked)
    found = [each for each in records if _is_meant(each, query)]
    return {"anomalies": [each.data() for each in found[: query.limit]], "matching": len(found)}


def routes(latest: Callable[[], Sequence[Record]]) -> Sequence[web.RouteDef]:
    """The one route; `latest` gives finished records on whatever thread."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def anomalies(request: web.Request) -> web.Response:
        try:
            return web.json_response(answer(latest(), list(request.query.items())))
        except Refused as refused:
            return web.json_response(refused.answer, status=400)

    return [web.get(PATH, anomalies)]


def _parse(asked: Sequence[tuple[str, str]]) -> Query:
    names = [name for name, _ in asked]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise Refused(twice[0], "is given twice")
    try:
        return Query.model_validate(dict(asked))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            raise Refused(name, f"is no parameter; there are {', '.join(Query.model_fields)}") from None
        raise Refused(name, first["msg"].removeprefix("Value error, ")) from None


def _is_meant(record: Record, query: Query) -> bool:
    last = record.time if record.ended is not None else float("inf")
    return (
        max(record.time, record.ended or last) >= query.since
        and record.severity >= query.severity
        and query.component in (None, record.component)
    )

"""`/api/v1/history/…`: what was kept, for programs."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import time
from asyncio import wrap_future
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field, PlainValidator

from collector_core.engine.app import App
from collector_core.errors import NotAvailable
from collector_core.exposition.formats import accepts_gzip
from collector_core.history import query
from collector_core.history.energy import energy_of
from collector_core.history.formats import COLUMNS, CONTENT_TYPES, HistoryFormat, Row, accepted, write_table
from collector_core.history.interface import ConcurrentReader, HistoryReader, LiveStore
from collector_core.history.query import DEFAULT_PERIOD, MAX_STEPS, Fn, Position
from collector_core.history.times import in_seconds, parse_step, parse_time
from collector_core.model.selector import Selector
from collector_core.polling.own_thread import start_thread
from collector_core.storage.errors import StorageError
from collector_core.web.api_error import BAD_REQUEST, ApiError
from collector_core.web.api_error import Query as Parameters

MAX_SELECTOR_CHARACTERS = 2000
DEFAULT_LIMIT = 50_000
MAX_LIMIT = 100_000
END_SECONDS = 1.0  # to end what is asked when the server stops
SHORT_BYTES = 1024  # not worth compressing


def _selector(text: object) -> Selector:
    if not isinstance(text, str) or len(text) > MAX_SELECTOR_CHARACTERS:
        raise ValueError(f"must have at most {MAX_SELECTOR_CHARACTERS} characters")
    return Selector.parse(text)


def _cursor(text: object) -> Position:
    try:
        series, moment = json.loads(urlsafe_b64decode(str(text).encode()))
        return Position(str(series), int(moment))
    except (ValueError, TypeError, Base64Error, RecursionError):
        raise ValueError("must be what `next` said") from None


Time = Annotated[int, BeforeValidator(parse_time)]
Step = Annotated[int, BeforeValidator(parse_step)]


class _Formatted(Parameters):
    format: HistoryFormat | None = None


class _Period(_Formatted):
    start: Time = Field(-1, alias="from")
    end: Time = Field(-1, alias="to")

    @property
    def period(self) -> tuple[int, int]:
        """From a time to before another; by default the last hour."""
        end = round(time.time() * 1000) if self.end < 0 else self.end
        start = max(0, end - DEFAULT_PERIOD) if self.start < 0 else self.start
        if start > end:
            raise ApiError(BAD_REQUEST, "must not be before `from`", field="to")
        return start, end


class _Series(_Formatted):
    selector: Annotated[Selector | None, PlainValidator(_selector)] = None


class _Range(_Period):
    selector: Annotated[Selector | None, PlainValidator(_selector)] = None
    step: Step | None = None
    fn: Fn = Fn.MEAN
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: Annotated[Position | None, PlainValidator(_cursor)] = None


class _Energy(_Period):
    by: Literal["component", "device", "method"] = "component"


@dataclass(frozen=True)
class HistoryAnswer:
    """An answer as JSON, and as a table for the other formats; `next` is the cursor of what follows."""

    json: Iterable[bytes]
    columns: tuple[str, ...]
    rows: Iterable[Row]
    next: str | None = None


class HistoryRoutes:
    """Handlers over the history of one `App`; without one, nothing is found."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history-reader")
        self._store: LiveStore | None = None
        self._reader: ConcurrentReader | None = None
        self.handlers = {
            "series": self._handler(_Series, answer_series),
            "range": self._handler(_Range, answer_range),
            "energy": self._handler(_Energy, answer_energy),
            "timeline": self._handler(_Period, answer_timeline),
        }
        """By the last part of their path."""

    async def close(self) -> None:
        """Let go of the store and end the thread, if it does not hang."""
        if self._reader:
            self._thread.submit(self._reader.close)
        with suppress(TimeoutError):
            await asyncio.wait_for(wrap_future(start_thread("history-end", self._thread.shutdown)), END_SECONDS)

    def _handler(self, kind: type[Parameters], answer: Callable[[HistoryReader, Any], HistoryAnswer]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            reader, loop = self._reader_now(), asyncio.get_running_loop()
            try:
                parameters = kind.parse(request.query)
                return await loop.run_in_executor(self._thread, _respond, reader, parameters, answer, request)
            except ApiError as refusal:
                raise _with_name(refusal) from refusal

        return handle

    def _reader_now(self) -> ConcurrentReader:
        service = self._app.history.service
        if service is None:
            raise ApiError(404, "no history is kept", fix="remove `history: off` from the configuration")
        if self._reader is None or self._store is not service.store:
            if self._reader:
                self._thread.submit(self._reader.close)
            self._store, self._reader = service.store, service.store.reader()
        return self._reader


def answer_series(store: HistoryReader, parameters: _Series) -> HistoryAnswer:
    """The series that there are."""
    rows = []
    for number, kept in store.catalogue.select(parameters.selector):
        if span := store.span(number):
            series = kept.series
            rows.append((series.text, series.kind, series.unit, *map(in_seconds, span)))
    columns = ("series", "kind", "unit", "first", "last")
    return HistoryAnswer(_json({"series": [dict(zip(columns, row, strict=True)) for row in rows]}), columns, rows)


def answer_range(store: HistoryReader, parameters: _Range) -> HistoryAnswer:
    """Points of series, at most `limit`."""
    start, end = parameters.period
    asked = query.HistoryQuery(parameters.selector, start, end, parameters.step, parameters.fn)
    if asked.steps > MAX_STEPS:
        raise ApiError(BAD_REQUEST, f"more than {MAX_STEPS} points a series; ask for longer steps", field="step")
    if asked.fn is Fn.RATE and asked.step is None:
        raise ApiError(BAD_REQUEST, "is missing: a rate is that of a step", field="step")
    found, last = query.page(query.run(store, asked, parameters.cursor), parameters.limit)
    following = urlsafe_b64encode(json.dumps(last).encode()).decode() if last else None
    return HistoryAnswer(query.write_json(found, following), COLUMNS, query.as_rows(found), following)


def answer_energy(store: HistoryReader, parameters: _Energy) -> HistoryAnswer:
    """Energy, cost and emissions of a period."""
    data = energy_of(store, *parameters.period, parameters.by)
    columns = (parameters.by, *data["total"])
    return HistoryAnswer(_json(data), columns, [tuple(row[column] for column in columns) for row in data["rows"]])


def answer_timeline(store: HistoryReader, parameters: _Period) -> HistoryAnswer:
    """What happened in a period."""
    events = store.events(*parameters.period)
    rows = [(in_seconds(event.time), event.kind, event.source, event.text) for event in events]
    columns = ("time", "kind", "source", "text")
    return HistoryAnswer(_json({"events": [dict(zip(columns, row, strict=True)) for row in rows]}), columns, rows)


def _with_name(refusal: ApiError) -> ApiError:
    """The same refusal, whose text names the parameter, too."""
    if field := refusal.body.get("field"):
        refusal.body["error"] = f"{field}: {refusal.body['error']}"
    return refusal


def _respond(
    reader: ConcurrentReader,
    parameters: Any,
    answer: Callable[[HistoryReader, Any], HistoryAnswer],
    request: web.Request,
) -> web.Response:
    kind = parameters.format or accepted(request.headers.get("Accept", ""))
    try:
        with reader.reading() as store:
            found = answer(store, parameters)
        body = _body(kind, found)
    except StorageError as error:
        raise ApiError(503, error.detail, fix=error.fix, headers={"Retry-After": "30"}) from error
    except NotAvailable as error:
        raise ApiError(BAD_REQUEST, error.detail, field="format", fix=error.fix) from error
    return _response(kind, body, found.next, request)


def _json(data: dict[str, Any]) -> list[bytes]:
    return [json.dumps(data, allow_nan=False).encode()]


def _body(kind: HistoryFormat, answer: HistoryAnswer) -> bytes:
    if kind is HistoryFormat.JSON:
        return b"".join(answer.json)
    return b"".join(write_table(kind, answer.columns, answer.rows))


def _response(kind: HistoryFormat, body: bytes, following: str | None, request: web.Request) -> web.Response:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}-{kind}"'
    headers = {"ETag": etag, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-cache"}
    if following:
        headers["X-Next-Cursor"] = following
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if len(body) > SHORT_BYTES and accepts_gzip(request.headers.get("Accept-Encoding", "")):
        body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    return web.Response(body=body, headers=headers | {"Content-Type": CONTENT_TYPES[kind]})

"""The REST interface: the node now, over time, its anomalies, and a report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from collector_core import ApiError, Duration, Field, HistoryUnavailable, Query
from collector_plugins.performance.measurements import measurements_table
from collector_plugins.performance.past import LabelsOfSources, PastReader, Period, step_of
from collector_plugins.performance.recent_snapshots import Kept
from collector_plugins.performance.report import markdown
from collector_plugins.performance.snapshot_fields import SECTIONS

if TYPE_CHECKING:
    from aiohttp import web

    from collector_core import History


class State(NamedTuple):
    """What the last run left: never changed, so that the web server's thread can read it.

    `labels` are those that all series of each source have.
    """

    snapshots: tuple[Kept, ...] = ()
    incidents: tuple[dict[str, Any], ...] = ()
    node_id: str = ""
    labels: LabelsOfSources = {}  # noqa: RUF012 - nobody changes it


def _time(text: object) -> object:
    """Seconds since 1970, or RFC 3339, in UTC where it names no zone."""
    if not isinstance(text, str):
        return text
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise ValueError("must be Unix seconds, or RFC 3339 such as 2026-05-01T00:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


Time = Annotated[float, BeforeValidator(_time), Field(ge=0)]


class _Query(Query):
    """What may be asked of the past: from `since` (or `from`) to before `to`."""

    since: Time = 0.0
    start: Time = Field(0.0, alias="from")
    end: Time | None = Field(None, alias="to")
    step: Duration | None = Field(None, ge=1)
    limit: int = Field(1000, ge=1, le=100_000)
    section: str | None = None

    @property
    def first(self) -> float:
        """Since when; 0 where nothing is said."""
        return max(self.since, self.start)

    @property
    def last(self) -> float:
        """Until when."""
        return inf if self.end is None else self.end


class Api:
    """Answers from what `latest` gives and from the history.

    503 before the first run and while the history cannot be read, 400 with the field for a bad query. `usual` is how
    many seconds are covered where nobody says since when, `shortest` the shortest step.
    """

    def __init__(self, latest: Callable[[], State], history: History, usual: float, shortest: float) -> None:
        self._latest = latest
        self._history = history
        self._usual = usual
        self._shortest = shortest

    def routes(self) -> Sequence[web.RouteDef]:
        """Everything that is served."""
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        def serve(name: str, answer: Callable[[State, _Query], tuple[bytes, str]]) -> web.RouteDef:
            async def handle(request: web.Request) -> web.Response:
                state = self._latest()
                if not state.snapshots:
                    raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no snapshot has been taken yet")
                query = _Query.parse(request.query)
                try:
                    body, content_type = await asyncio.to_thread(answer, state, query)
                except HistoryUnavailable as error:
                    raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error.detail, fix=error.fix) from error
                return web.Response(body=body, content_type=content_type, charset="utf-8")

            return web.get(f"/api/v1/performance/{name}", handle)

        return [
            serve("current", _current),
            serve("history", self._past),
            serve("anomalies", _anomalies),
            serve("report", self._report),
        ]

    def _past(self, state: State, query: _Query) -> tuple[bytes, str]:
        if query.section:
            _check_section(query.section, state)
        snapshots = self._period(state, query).all[-query.limit :]
        if query.section:
            snapshots = [_only(snapshot, query.section) for snapshot in snapshots]
        return json.dumps({"snapshots": snapshots}, separators=(",", ":")).encode(), "application/json"

    def _report(self, state: State, query: _Query) -> tuple[bytes, str]:
        period = self._period(state, query, with_extremes=True)
        if not period.all:
            raise ApiError(HTTPStatus.NOT_FOUND, "nothing is known of this period", fix="ask for another one")
        bounds = self._bounds(state, query)
        text = markdown(period, _incidents(state, *bounds)) + measurements_table(*bounds)
        return text.encode(), "text/markdown"

    def _bounds(self, state: State, query: _Query) -> tuple[float, float]:
        """From when to before when, in seconds since 1970; the end is `inf` where nothing is said."""
        if query.first or not self._history.is_kept:
            return query.first, query.last
        return max(0.0, min(query.last, state.snapshots[-1].time) - self._usual), query.last

    def _period(self, state: State, query: _Query, *, with_extremes: bool = False) -> Period:
        start, end = self._bounds(state, query)
        taken = [kept.parsed() for kept in state.snapshots if start <= kept.time < end]
        if not self._history.is_kept:
            return Period(taken)
        end = min(end, state.snapshots[-1].time)
        step = query.step or step_of(end - start, self._shortest)
        reader = PastReader(self._history, state.node_id, state.labels)
        past = reader.read(start, end, step, with_extremes=with_extremes)
        return replace(past, newest=taken[-1] if taken else None)


def _current(state: State, query: _Query) -> tuple[bytes, str]:
    del query
    return state.snapshots[-1].text, "application/json"


def _check_section(section: str, state: State) -> None:
    newest = state.snapshots[-1].parsed()
    there = dict(SECTIONS) | {name: value for name, value in newest.items() if isinstance(value, dict)}
    if section not in there:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"unknown section; there are {', '.join(there)}", field="section")


def _only(snapshot: dict[str, Any], section: str) -> dict[str, Any]:
    return {name: snapshot[name] for name in ("node_id", "timestamp_seconds", section) if name in snapshot}


def _incidents(state: State, start: float, end: float) -> list[dict[str, Any]]:
    """Those that were active in the period, the oldest first."""
    return [row for row in state.incidents if row["since"] < end and (row["until"] is None or row["until"] >= start)]


def _anomalies(state: State, query: _Query) -> tuple[bytes, str]:
    rows = _incidents(state, query.first, query.last)
    return json.dumps({"anomalies": rows[-query.limit :]}).encode(), "application/json"

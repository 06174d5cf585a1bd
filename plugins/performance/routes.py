"""The REST interface: the node now, over time, its anomalies, and a report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_core import ApiError, Field, Query
from collector_plugins.performance.history import Kept, parsed
from collector_plugins.performance.report import markdown
from collector_plugins.performance.snapshot_fields import SECTIONS

if TYPE_CHECKING:
    from aiohttp import web


class State(NamedTuple):
    """What the last run left: never changed, so that the web server's thread can read it."""

    snapshots: tuple[Kept, ...] = ()
    incidents: tuple[dict[str, Any], ...] = ()


class _Query(Query):
    """What may be asked of the history; `since` in seconds since 1970."""

    since: float = 0
    limit: int = Field(1000, ge=1, le=100_000)
    section: str | None = None


class Api:
    """Answers from what `latest` gives; 503 before the first run, 400 with the field for a bad query."""

    def __init__(self, latest: Callable[[], State]) -> None:
        self._latest = latest

    def routes(self) -> Sequence[web.RouteDef]:
        """Everything that is served."""
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        def serve(name: str, answer: Callable[[State, _Query], tuple[bytes, str]]) -> web.RouteDef:
            async def handle(request: web.Request) -> web.Response:
                state = self._latest()
                if not state.snapshots:
                    raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no snapshot has been taken yet")
                query = _Query.parse(request.query)
                body, content_type = await asyncio.to_thread(answer, state, query)
                return web.Response(body=body, content_type=content_type, charset="utf-8")

            return web.get(f"/api/v1/performance/{name}", handle)

        return [
            serve("current", _current),
            serve("history", _history),
            serve("anomalies", _anomalies),
            serve("report", _report),
        ]


def _current(state: State, query: _Query) -> tuple[bytes, str]:
    del query
    return state.snapshots[-1].text, "application/json"


def _history(state: State, query: _Query) -> tuple[bytes, str]:
    texts = [kept.text for kept in state.snapshots if kept.time >= query.since][-query.limit :]
    if query.section:
        _check_section(query.section, state)
        texts = [_only(text, query.section) for text in texts]
    return b'{"snapshots":[' + b",".join(texts) + b"]}", "application/json"


def _check_section(section: str, state: State) -> None:
    newest = json.loads(state.snapshots[-1].text)
    there = dict(SECTIONS) | {name: value for name, value in newest.items() if isinstance(value, dict)}
    if section not in there:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"unknown section; there are {', '.join(there)}", field="section")


def _only(text: bytes, section: str) -> bytes:
    snapshot = json.loads(text)
    kept = {name: snapshot[name] for name in ("node_id", "timestamp_seconds", section) if name in snapshot}
    return json.dumps(kept, separators=(",", ":")).encode()


def _anomalies(state: State, query: _Query) -> tuple[bytes, str]:
    rows = [row for row in state.incidents if row["until"] is None or row["until"] >= query.since]
    return json.dumps({"anomalies": rows[-query.limit :]}).encode(), "application/json"


def _report(state: State, query: _Query) -> tuple[bytes, str]:
    covered = [kept for kept in state.snapshots if kept.time >= query.since] or list(state.snapshots[-1:])
    return markdown(parsed(covered), state.incidents).encode(), "text/markdown"

"""The body of a request: bounded, unpacked, and read as JSON or as lines of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from collector_core import ApiError

if TYPE_CHECKING:
    from aiohttp import web

MAX_BYTES = 16 << 20  # after unpacking
MAX_READING_BYTES = 64 << 10
MAX_READINGS = 10_000
JSON, NDJSON = "application/json", "application/x-ndjson"
_COMPRESSED = ("gzip", "deflate")
_ENCODINGS = ("", "identity", *_COMPRESSED)


async def read_body(request: web.Request, *, types: tuple[str, ...] = (JSON,), limit: int = MAX_BYTES) -> bytes:
    """The body, unpacked.

    Raises `ApiError` for another type (415), more than `limit` bytes (413), or bad compression (400).
    """
    encoding = request.headers.get("Content-Encoding", "").lower()
    if request.content_type not in types:
        raise ApiError(415, "unsupported content type", field="Content-Type", fix=f"send {' or '.join(types)}")
    if encoding not in _ENCODINGS:
        raise ApiError(415, "unsupported encoding", field="Content-Encoding", fix="send gzip, or no encoding")
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limit:
                raise ApiError(413, f"more than {limit} bytes", field="body", fix="send it in parts")
    except _unpacking_errors():
        raise ApiError(400, "the body cannot be unpacked", field="body", fix="check the compression") from None
    if encoding in _COMPRESSED and request.content_type == NDJSON and _is_cut_off(body):
        raise ApiError(400, "the body ends within a line", field="body", fix="send all of the compressed lines")
    return bytes(body)


def _is_cut_off(lines: bytearray) -> bool:
    """Whether the last line is the beginning of an object: aiohttp does not tell that gzip ended too early."""
    last = bytes(lines[lines.rfind(b"\n") + 1 :])
    return last.startswith(b"{") and parse_line(last) is last


def _unpacking_errors() -> tuple[type[Exception], ...]:
    from aiohttp import ClientPayloadError  # noqa: PLC0415 - only where something is served
    from aiohttp.http_exceptions import HttpProcessingError  # noqa: PLC0415
    from aiohttp.web import RequestPayloadError  # noqa: PLC0415

    return RequestPayloadError, ClientPayloadError, HttpProcessingError


def parse_json(body: bytes) -> Any:
    """A JSON document; raises `ApiError`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "not valid JSON", field="body", fix="send one JSON object in UTF-8") from None


def parse_batch(body: bytes, content_type: str) -> list[Any]:
    """The elements of a batch, not checked yet; a line that is not JSON stays as it is. Raises `ApiError`."""
    if content_type == NDJSON:
        items: list[Any] = [parse_line(line) for line in body.rstrip().split(b"\n")] if body.strip() else []
    else:
        items = _listed(parse_json(body))
    if len(items) > MAX_READINGS:
        text = f"{len(items)} readings; at most {MAX_READINGS} are taken at once"
        raise ApiError(413, text, field="readings", fix="send them in several requests")
    return items


def _listed(document: Any) -> list[Any]:
    if not isinstance(document, dict) or not isinstance(document.get("readings"), list):
        raise ApiError(400, "must be a list of readings", field="readings", fix='send {"readings": [{…}, {…}]}')
    others = sorted(key for key in document if key != "readings")
    if others:
        raise ApiError(400, "is not a known key", field=ascii(others[0])[1:-1][:200], fix="send only `readings`")
    readings: list[Any] = document["readings"]
    return readings


def parse_line(line: bytes) -> Any:
    """What a line, or a message, holds; itself where that is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line

"""What clients get when a handler refuses a request or fails."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from collector_core.web.answers import NO_SNIFFING
from collector_core.web.api_error import ApiError

log = logging.getLogger(__name__)

JSON_PATHS = ("/api/", "/-/")


async def forbid_sniffing(request: web.Request, response: web.StreamResponse) -> None:
    """Let no browser take an answer for anything but its content type; a signal of every answer."""
    del request
    response.headers.update(NO_SNIFFING)


@web.middleware
async def error_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An `ApiError` as JSON, other refusals too where the path is one of ours; a bug as a 500 that tells nothing."""
    try:
        return await handler(request)
    except ApiError as refusal:
        return refused(refusal)
    except web.HTTPException as error:
        if error.content_type == "application/json" or not request.path.startswith(JSON_PATHS):
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response({"error": error.reason, **_advice(error)}, status=error.status, headers=headers)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return web.Response(text="internal error; see the log\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _advice(error: web.HTTPException) -> dict[str, str]:
    """The `field` and `fix` of what the router refuses."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return {"field": "method", "fix": f"use {' or '.join(sorted(error.allowed_methods))}"}
    if isinstance(error, web.HTTPNotFound):
        return {"field": "path", "fix": "check the path, and that the collector that offers it is configured"}
    return {}


def refused(refusal: ApiError) -> web.Response:
    """What the client of a refused request gets."""
    return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)

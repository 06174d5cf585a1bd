"""How HTTP requests to the cloud end: each one is counted, the library's own repetitions too."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from collector_core import AuthFailed
from collector_plugins.solix.budget import Budget, Result

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


def counted(budget: Budget) -> Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]:
    """A middleware of aiohttp's client; raises `AuthFailed` where the login itself is forbidden."""

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        endpoint = request.url.path.lstrip("/")
        try:
            response = await handler(request)
            body = await response.read()
        except Exception as error:
            budget.count(endpoint, _failure(error))
            raise
        result = judge(response.status, body)
        retry_after = response.headers.get("retry-after", "")
        budget.count(endpoint, result, float(retry_after) if retry_after.isdecimal() else 0.0)
        if endpoint == budget.login and result is Result.UNAUTHORIZED:
            raise AuthFailed("the cloud refused the login", fix="check `email`, `password` and `country` with the app")
        return response

    return middleware


def judge(status: int, body: bytes) -> Result:
    """How a request ended that was answered; errors of the API come within HTTP 200."""
    if status in {401, 403}:
        return Result.UNAUTHORIZED
    if status == 429:
        return Result.LIMITED
    if status >= 400:
        return Result.SERVER_ERROR if status >= 500 else Result.HTTP_ERROR
    try:
        code = json.loads(body)["code"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return Result.BAD_DATA
    return Result.OK if code == 0 else Result.REFUSED


def _failure(error: Exception) -> Result:
    if isinstance(error, TimeoutError):
        return Result.TIMEOUT
    return Result.UNREACHABLE

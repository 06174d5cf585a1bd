"""How HTTP requests to the cloud end: every one is counted, including the library's own retries."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from collector_core import AuthFailed
from collector_plugins.solix.login_lock import LoginLock, told_lock
from collector_plugins.solix.request_budget import RequestBudget, RequestResult

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


# Codes of a cloud that is busy or overloaded, inside answers with the status 200: errors.py of anker-solix-api 3.8.0.
_RESULTS: Mapping[int, RequestResult] = {
    429: RequestResult.LIMITED,
    21105: RequestResult.LIMITED,
    **dict.fromkeys((502, 504, 997, 998, 999), RequestResult.SERVER_ERROR),
}


def counting_middleware(
    budget: RequestBudget, lock: LoginLock
) -> Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]:
    """A middleware of aiohttp's client; raises `AuthFailed` where the login itself is forbidden."""

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        endpoint = request.url.path.lstrip("/")
        try:
            response = await handler(request)
            body = await response.read()
        except Exception as error:
            failure = RequestResult.TIMEOUT if isinstance(error, TimeoutError) else RequestResult.UNREACHABLE
            budget.record_result(endpoint, failure)
            raise
        result = classify_response(response.status, body)
        retry_after = response.headers.get("retry-after", "")
        budget.record_result(endpoint, result, float(retry_after) if retry_after.isdecimal() else 0.0)
        if endpoint == budget.login:
            _record_login(lock, result, body)
        if endpoint == budget.login and result is RequestResult.UNAUTHORIZED and not lock.seconds_left:
            raise AuthFailed("the cloud refused the login", fix="check `email`, `password` and `country` in the app")
        return response

    return middleware


def _record_login(lock: LoginLock, result: RequestResult, body: bytes) -> None:
    if result is RequestResult.OK:
        lock.clear()
    elif (seconds := told_lock(body)) is not None:
        lock.lock(seconds)


def classify_response(status: int, body: bytes) -> RequestResult:
    """How a request that was answered ended; the API reports its errors with HTTP status 200."""
    if status in {401, 403}:
        return RequestResult.UNAUTHORIZED
    if status == 429:
        return RequestResult.LIMITED
    if status >= 400:
        return RequestResult.SERVER_ERROR if status >= 500 else RequestResult.HTTP_ERROR
    try:
        code = json.loads(body)["code"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return RequestResult.BAD_DATA
    if code == 0:
        return RequestResult.OK
    return _RESULTS.get(code, RequestResult.REFUSED) if isinstance(code, int) else RequestResult.BAD_DATA

"""Who may write to a collector's routes: programs of this machine, and callers that present its bearer token."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from collector_core.web.api_error import ApiError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class TokenGuard:
    """Checks the callers of writes by the rules of pushes.

    A caller needs the bearer token, unless it runs on this machine or has shown a password to the web server; a wrong
    token is refused wherever it comes from. `option` is how the token is configured, for the text of a refusal.
    """

    def __init__(self, token: SecretStr | None, option: str) -> None:
        self._token = token
        self._option = option

    def _check(self, request: web.Request, is_trusted: Callable[[web.Request], bool]) -> None:
        """Raises `ApiError` (401) where the caller may not write."""
        field, fix = "Authorization", f"set `{self._option}` and send `Authorization: Bearer TOKEN`"
        scheme, _, shown = request.headers.get(field, "").partition(" ")
        if scheme.lower() == "bearer" and self._token is not None:
            if hmac.compare_digest(_bytes(shown.strip()), _bytes(self._token.get_secret_value())):
                return
            raise ApiError(401, "wrong token", field=field, fix=fix, headers=_CHALLENGE)
        if not is_trusted(request):
            text = "requests from other machines require a bearer token"
            raise ApiError(401, text, field=field, fix=fix, headers=_CHALLENGE)

    def guarded(self, handler: Handler) -> Handler:
        """A handler of writes that only those reach who may write."""
        from collector_core.web.callers import checks_callers_itself, is_trusted  # noqa: PLC0415 - for a server alone

        async def checked(request: web.Request) -> web.StreamResponse:
            self._check(request, is_trusted)
            return await handler(request)

        return checks_callers_itself(checked)


def _bytes(text: str) -> bytes:
    """What was sent: a header that is not UTF-8 arrives with half characters."""
    return text.encode("utf-8", "surrogateescape")

"""What programs post to a collector: JSON objects, checked by a model, kept until they expire."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError

from collector_core.collector import CollectorConfig
from collector_core.model.clock import Clock
from collector_core.options import Duration
from collector_core.web.api_error import ApiError, validation_problems
from collector_core.web.token_guard import TokenGuard

if TYPE_CHECKING:
    from aiohttp import web

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BODY = 64 * 1024  # bytes
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")


class PushOptions(CollectorConfig):
    """How a collector takes what is posted to it."""

    token: SecretStr | None = Field(
        None, description="Bearer token that senders present; required from other machines."
    )
    expires_after: Duration = Field(60, description="How long a posted value stays valid.")
    max_names: int = Field(100, ge=1, le=10_000, description="Maximum number of senders at once.")


class PushInbox(Generic[ModelT]):
    """Keeps what each sender posted last to `/api/v1/push/{kind}/{name}` until it expires.

    The body is one JSON object of at most 64 KiB that `model` accepts. `names` tells the senders that are known;
    without it any name is taken, up to `options.max_names` at once. Answers: 202 taken; 400 not what `model` accepts,
    with the `field`; 401 no or another bearer token; 404 a name that is not known; 413 too large; 415 not JSON; 429 too
    many names. `wake`, that of the collector's context, is called for each object that is taken: a collector that had
    nothing to show then runs at once. Safe to use from any thread.
    """

    def __init__(
        self,
        kind: str,
        model: type[ModelT],
        options: PushOptions,
        clock: Clock,
        names: Callable[[], Collection[str]] | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._kind = kind
        self._model = model
        self._options = options
        self._guard = TokenGuard(options.token, "push: {token: …}")
        self._clock = clock
        self._names = names
        self._wake = wake
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, ModelT]] = {}

    def current(self) -> dict[str, ModelT]:
        """What was posted and has not expired, by the sender's name."""
        with self._lock:
            self._expire()
            return {name: posted for name, (_, posted) in self._kept.items()}

    def put(self, name: str, body: bytes) -> None:
        """Keep one JSON object; raises `ApiError`."""
        self._check_name(name)
        posted = self._parse(body)
        with self._lock:
            self._expire()
            if name not in self._kept and len(self._kept) >= self._options.max_names:
                raise ApiError(429, f"there are already {len(self._kept)} senders", fix="raise max_names")
            self._kept[name] = (self._clock.monotonic() + self._options.expires_after, posted)
        if self._wake is not None:
            self._wake()

    def _expire(self) -> None:
        now = self._clock.monotonic()
        self._kept = {name: kept for name, kept in self._kept.items() if kept[0] > now}

    def routes(self) -> list[web.RouteDef]:
        """The route to return from `collector_routes`; it checks its callers itself."""
        from aiohttp import web  # noqa: PLC0415 - only where something is served

        return [web.post(f"/api/v1/push/{self._kind}/{{name}}", self._guard.guarded(self._handle))]

    async def _handle(self, request: web.Request) -> web.Response:
        from aiohttp import web  # noqa: PLC0415

        self.put(request.match_info["name"], await _body(request))
        answer = {"status": "accepted", "expires_in_seconds": self._options.expires_after}
        return web.json_response(answer, status=202)

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ApiError(
                400, "a name consists of letters, digits, `.`, `_` and `-`, at most 64 characters", field="name"
            )
        if self._names is not None and name not in self._names():
            raise ApiError(404, f"there is no {self._kind} source named {name!r}", fix="add it to the configuration")

    def _parse(self, body: bytes) -> ModelT:
        try:
            return self._model.model_validate_json(body)
        except ValidationError as error:
            raise _refused(error) from None


async def _body(request: web.Request) -> bytes:
    """The request's body; raises `ApiError` before more than `MAX_BODY` of it is kept."""
    if request.content_type != "application/json":
        raise ApiError(415, "send JSON with `Content-Type: application/json`")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise ApiError(413, f"more than {MAX_BODY} bytes")
    return bytes(body)


def _refused(error: ValidationError) -> ApiError:
    found = validation_problems(error)
    field, message = found[0]
    others = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return ApiError(400, f"{field or 'body'}: {message}{others}", field=field)

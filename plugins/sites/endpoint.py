"""One endpoint: what it takes and answers, for the router and for the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from collector_core import ApiError, Query
from collector_core.storage import StorageError
from collector_plugins.sites.body import JSON, parse_json
from collector_plugins.sites.bounded_store import TooLongError
from collector_plugins.sites.ingest import IngestFull, describe_problem
from collector_plugins.sites.service import UnknownSiteError
from collector_plugins.sites.store import SiteExistsError

if TYPE_CHECKING:
    from aiohttp import web

PREFIX = "/api/v1"
RETRY_SECONDS = 30
DOCUMENT = f"{PREFIX}/openapi.json"
_FOR_LESS = (
    "ask for a shorter period or fewer sites; where there is a `step`, for whole hours (`step=1h`), which are summed up"
)
_FIXES = {
    "timestamp": "send RFC 3339 with a zone, such as 2026-05-01T00:00:00Z, or seconds since 1970",
    "power_watts": "send the mean power in watts, or the meter's total as energy_kwh",
    "energy_kwh": "send the meter's running total in kWh",
    "interval_seconds": "send the length of the interval, at most 86400 seconds",
    "sources": "send shares that add up to 1, such as {grid: 0.6, solar: 0.4}",
    "site_id": "register the site with POST /api/v1/sites",
    "from": "write a time such as 2026-05-01T00:00:00Z",
    "to": "write a time after `from`, such as 2026-05-02T00:00:00Z",
    "step": "write a duration such as 15m, 1h or 1d",
    "horizon": "write a duration such as 24h",
}


@dataclass(frozen=True)
class Endpoint:
    """A method and path below `/api/v1`, with the models of its parameters, body and answer."""

    method: str
    path: str
    summary: str
    handler: Callable[[web.Request], Awaitable[web.Response]]
    answer: type[BaseModel]
    status: int = 200
    query: type[Query] | None = None
    body: Any = None
    body_types: tuple[str, ...] = (JSON,)
    refusals: tuple[int, ...] = ()
    answer_types: tuple[str, ...] = (JSON,)
    pending: type[BaseModel] | None = None
    is_nonblocking: bool = False

    @property
    def writes(self) -> bool:
        """Whether its callers are checked by the rules of writes."""
        return self.method != "GET"


def refuse(status: int, error: str, field: str, fix: str = "", **headers: str) -> ApiError:
    """A refusal that names the key and what helps."""
    advice = fix or _FIXES.get(field.rpartition(".")[2], f"see {DOCUMENT}")
    return ApiError(
        status, error, field=field, fix=advice, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def explained(handler: Callable[[web.Request], Awaitable[web.Response]]) -> Callable[[web.Request], Any]:
    """A handler whose refusals say the field and the remedy, and whose store may be away."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ApiError as error:
            raise _completed(error) from error
        except UnknownSiteError as error:
            raise refuse(404, f"no site is called {str(error)!r}", "site_id") from None
        except SiteExistsError as error:
            raise refuse(409, f"there is a site {str(error)!r} already", "id", "change it with PATCH") from None
        except IngestFull:
            raise unavailable("too many readings wait for the disk", "send it again later") from None
        except TooLongError as error:
            raise refuse(503, str(error), "from", _FOR_LESS, Retry_After=str(RETRY_SECONDS)) from None
        except StorageError as error:
            raise unavailable(error.detail, error.fix or "send it again later") from None

    return answer


def _completed(error: ApiError) -> ApiError:
    complete = refuse(
        error.status, error.body["error"], error.body.get("field", "") or "request", error.body.get("fix", "")
    )
    complete.body |= error.body
    complete.headers = error.headers
    return complete


def unavailable(text: str, fix: str) -> ApiError:
    """A refusal that says when to come back."""
    return refuse(503, text, "request", fix, Retry_After=str(RETRY_SECONDS))


def parse_model(model: Any, body: bytes) -> Any:
    """A body as an object of `model`; raises `ApiError` with the key that is wrong."""
    try:
        return model.model_validate(parse_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field, message = describe_problem(first["loc"], first)
        if not first["loc"] and field == "reading":
            field, message = "body", first["msg"]
        raise refuse(400, f"{field}: {message.removeprefix('Value error, ')}", field) from None

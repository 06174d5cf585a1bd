"""`GET /api/v1/alerts`: what fires, and what is about to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.notification import entry

if TYPE_CHECKING:
    from aiohttp import web

Latest = Callable[[], tuple[Sequence[Alert], Sequence[Alert]]]


def routes(latest: Latest) -> Sequence[web.RouteDef]:
    """All that is served; `latest` returns the alerts that fire and those that are pending, finished objects."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def alerts(request: web.Request) -> web.Response:
        del request
        firing, pending = latest()
        return web.json_response(
            {"alerts": [_shown(alert, "firing") for alert in firing] + [_shown(alert, "pending") for alert in pending]}
        )

    return [web.get("/api/v1/alerts", alerts)]


def _shown(alert: Alert, state: str) -> dict[str, Any]:
    return entry(alert) | {
        "status": state,
        "severity": alert.severity.value,
        "value": alert.value,
        "flapping": alert.flapping,
        "endsAt": None,
    }

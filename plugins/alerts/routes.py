"""`GET /api/v1/alerts`: the alerts that are firing or pending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.notification import alert_payload

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/alerts"
LatestAlerts = Callable[[], tuple[Sequence[Alert], Sequence[Alert]]]


def build_routes(latest_alerts: LatestAlerts) -> Sequence[web.RouteDef]:
    """All routes of the plugin; `latest_alerts` returns the firing and the pending alerts, which must not change."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def get_alerts(request: web.Request) -> web.Response:
        del request
        firing, pending = latest_alerts()
        shown = [_show_alert(alert, "firing") for alert in firing]
        return web.json_response({"alerts": shown + [_show_alert(alert, "pending") for alert in pending]})

    return [web.get(PATH, get_alerts)]


def _show_alert(alert: Alert, state: str) -> dict[str, Any]:
    return alert_payload(alert) | {
        "status": state,
        "severity": alert.severity.value,
        "value": alert.value,
        "flapping": alert.flapping,
        "endsAt": None,
    }

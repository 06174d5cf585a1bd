"""A client of Alertmanager's API v2, POST /api/v2/alerts.

Schema: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from collector_core import AuthFailed, Clock, HttpClient, NotAvailable
from collector_plugins.alerts.alert import Alert, format_rfc3339
from collector_plugins.alerts.channel_options import AlertmanagerOptions
from collector_plugins.alerts.notification import annotations_of

PATH = "/api/v2/alerts"
LIFETIME_RESENDS = 4  # an alert that is not sent again within so many intervals of `resend` ends
SHARE_OF_TIMEOUT = 0.9  # for each Alertmanager, so that one that hangs leaves time to tell how the others answered


class AlertmanagerClient:
    """Posts to every Alertmanager of a cluster; one that accepts is enough, for they tell each other."""

    def __init__(self, options: AlertmanagerOptions, http: HttpClient, clock: Clock) -> None:
        self._options = options
        self._http = http
        self._clock = clock

    async def post_alerts(self, alerts: Sequence[Alert]) -> None:
        """Send the alerts to all; raises `NotAvailable` or `AuthFailed` if none of them accepts."""
        now = self._clock.time()
        until = now + LIFETIME_RESENDS * self._options.resend
        body = json.dumps([_postable_alert(alert, now, until) for alert in alerts], separators=(",", ":")).encode()
        results = await asyncio.gather(*(self._post(url.get_secret_value(), body) for url in self._options.urls))
        failures = [result for result in results if result is not None]
        if len(failures) == len(results):
            raise failures[0]

    async def _post(self, url: str, body: bytes) -> NotAvailable | AuthFailed | None:
        options = self._options
        try:
            await self._http.post_json(
                url.rstrip("/") + PATH,
                body,
                token=options.bearer_token,
                login=options.login,
                timeout=SHARE_OF_TIMEOUT * options.timeout,
                discard=True,
            )
        except (NotAvailable, AuthFailed) as error:
            return error
        return None


def _postable_alert(alert: Alert, now: float, until: float) -> dict[str, Any]:
    """One alert as the API takes it; no time but `until` is in the future, however wrong the clock was."""
    return {
        "labels": dict(alert.labels),
        "annotations": annotations_of(alert),
        "startsAt": format_rfc3339(min(alert.starts_at, now)),
        "endsAt": format_rfc3339(until if alert.ends_at is None else min(alert.ends_at, now)),
    }

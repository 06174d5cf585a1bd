"""Alertmanager's API v2, POST /api/v2/alerts.

Form: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

from collector_core import Clock, Reason
from collector_plugins.alerts import http
from collector_plugins.alerts.alert import Alert, rfc3339
from collector_plugins.alerts.channeloptions import AlertmanagerOptions
from collector_plugins.alerts.delivery import Undelivered
from collector_plugins.alerts.notification import texts_of

PATH = "/api/v2/alerts"
LIVES = 4  # times `resend`: an alert that is not told again by then ends


class Alertmanager:
    """Tells every Alertmanager of a cluster; it has worked where one of them took it, for they tell each other."""

    def __init__(self, options: AlertmanagerOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    async def post(self, alerts: Sequence[Alert]) -> None:
        """Tell all of it; raises `Undelivered` where no Alertmanager took it."""
        now = self._clock.time()
        until = now + LIVES * self._options.resend
        body = json.dumps([_entry(alert, now, until) for alert in alerts], separators=(",", ":")).encode()
        urls = [url.get_secret_value().rstrip("/") + PATH for url in self._options.urls]
        results = await asyncio.gather(*(self._post(url, body) for url in urls))
        failures = [result for result in results if result is not None]
        if len(failures) == len(results):
            raise failures[0]

    async def _post(self, url: str, body: bytes) -> Undelivered | None:
        try:
            async with asyncio.timeout(0.9 * self._options.timeout):  # one that hangs spoils nothing for the others
                await http.post(url, body, self._headers())
        except TimeoutError:
            return Undelivered(Reason.TIMEOUT, f"{http.place(url)}: no answer after {0.9 * self._options.timeout:g} s")
        except Undelivered as error:
            return error
        return None

    def _headers(self) -> dict[str, str]:
        options = self._options
        if options.bearer_token:
            return {"Authorization": f"Bearer {options.bearer_token.get_secret_value()}"}
        if options.username is not None and options.password is not None:
            pair = f"{options.username}:{options.password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


def _entry(alert: Alert, now: float, until: float) -> dict[str, Any]:
    """One alert as the API takes it; an end in the future, by a clock that was wrong, would be none."""
    return {
        "labels": dict(alert.labels),
        "annotations": texts_of(alert),
        "startsAt": rfc3339(min(alert.starts_at, now)),
        "endsAt": rfc3339(until if alert.ends_at is None else min(alert.ends_at, now)),
    }

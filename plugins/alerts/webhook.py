"""Webhooks in the form of Alertmanager's, signed as Standard Webhooks are.

Form: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
Signature: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from collector_core import Clock
from collector_plugins.alerts import http
from collector_plugins.alerts.channeloptions import WebhookOptions
from collector_plugins.alerts.notification import Notification, payload

PREFIX = "whsec_"  # a key in base64


class Webhook:
    """Posts each notification; receivers tell a repeated delivery by its `webhook-id`."""

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    async def send(self, message: Notification) -> None:
        """Deliver it; raises `Undelivered`."""
        body = json.dumps(payload(message), separators=(",", ":")).encode()
        headers = {"webhook-id": message.id, "webhook-timestamp": f"{self._clock.time():.0f}"}
        if self._options.secret:
            key = key_of(self._options.secret.get_secret_value())
            headers["webhook-signature"] = signature(key, headers["webhook-id"], headers["webhook-timestamp"], body)
        if self._options.bearer_token:
            headers["Authorization"] = f"Bearer {self._options.bearer_token.get_secret_value()}"
        await http.post(self._options.url.get_secret_value(), body, headers)


def key_of(secret: str) -> bytes:
    """The key's bytes: what follows `whsec_` is base64, anything else is taken as it stands."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp (seconds since 1970) and body, joined by dots."""
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

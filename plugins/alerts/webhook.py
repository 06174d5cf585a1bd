"""Webhooks with the payload of Alertmanager's, signed by the Standard Webhooks specification, or with that of a chat.

Payload: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
Signature: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from collector_core import Clock, HttpClient
from collector_plugins.alerts.channel_options import WebhookOptions
from collector_plugins.alerts.chat.requests import ChatRequest
from collector_plugins.alerts.chat.templates import build_request
from collector_plugins.alerts.notification import Notification, webhook_payload

KEY_PREFIX = "whsec_"  # of a key in base64


class WebhookChannel:
    """Posts each notification; receivers recognize a repeated delivery by its `webhook-id`."""

    def __init__(self, options: WebhookOptions, http: HttpClient, clock: Clock) -> None:
        self._options = options
        self._http = http
        self._clock = clock

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable` or `AuthFailed`."""
        if self._options.template != "alertmanager":
            await self._send_chat(build_request(message, self._options))
            return
        body = json.dumps(webhook_payload(message), separators=(",", ":")).encode()
        headers = {"webhook-id": message.id, "webhook-timestamp": f"{self._clock.time():.0f}"}
        if self._options.secret:
            key = signing_key(self._options.secret.get_secret_value())
            headers["webhook-signature"] = signature(key, headers["webhook-id"], headers["webhook-timestamp"], body)
        await self._http.post_json(
            self._options.url,
            body,
            headers=headers,
            token=self._options.bearer_token,
            timeout=self._options.timeout,
            discard=True,
        )

    async def _send_chat(self, request: ChatRequest) -> None:
        await self._http.request(
            request.method,
            request.url,
            json.dumps(request.body, separators=(",", ":")).encode(),
            headers={"Content-Type": "application/json"},
            token=self._options.bearer_token,
            timeout=self._options.timeout,
            discard=True,
        )


def signing_key(secret: str) -> bytes:
    """The bytes of the key: what follows `whsec_` is base64, anything else is taken literally."""
    if secret.startswith(KEY_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(KEY_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp (seconds since 1970) and body, joined by dots."""
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

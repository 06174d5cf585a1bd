"""The body of each chat service, by its documentation; wherever a service can be told not to interpret text, it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from collector_plugins.alerts.alert import Severity
from collector_plugins.alerts.channel_options import ChatService, WebhookOptions
from collector_plugins.alerts.chat.requests import ChatRequest, path_of, with_path
from collector_plugins.alerts.chat.text import (
    ELLIPSIS,
    details,
    escape_markdown,
    escape_slack,
    shortened,
    utf8_bytes,
    utf16_units,
)
from collector_plugins.alerts.notification import Notification, one_line

RESOLVED = "resolved"
MAX_TEAMS_BYTES = 20_000  # of all paragraphs; 28 KB are allowed for the message
COLOURS: Mapping[str, int] = {
    Severity.INFO: 0x2F81F7,
    Severity.WARNING: 0xD29922,
    Severity.CRITICAL: 0xD1242F,
    RESOLVED: 0x2DA44E,
}
NTFY_PRIORITIES: Mapping[str, int] = {Severity.INFO: 2, Severity.WARNING: 3, Severity.CRITICAL: 5, RESOLVED: 2}
GOTIFY_PRIORITIES: Mapping[str, int] = {Severity.INFO: 2, Severity.WARNING: 5, Severity.CRITICAL: 8, RESOLVED: 2}


def build_request(message: Notification, options: WebhookOptions) -> ChatRequest:
    """The request that tells a service of a notification."""
    assert options.template != "alertmanager"  # noqa: S101 - that is no chat
    return _BUILDERS[options.template](message, options)


def _level(message: Notification) -> str:
    """The highest severity of what fires, or that all is resolved."""
    firing = [alert.severity for alert in message.firing]
    return max(firing, key=lambda severity: severity.rank) if firing else RESOLVED


def _slack(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://docs.slack.dev/reference/block-kit/blocks: 150 characters in a header, 3000 in a section, 50 blocks."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _slack_text(message.headline, 150)}]
    blocks += [{"type": "section", "text": _slack_text(part, 3000)} for part in _parts(details(message), 2900, 49)]
    fallback = escape_slack(shortened(one_line(message.headline), 500))
    return ChatRequest(options.url, {"text": fallback, "blocks": blocks})


def _slack_text(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": shortened(text, most, utf16_units) or " ", "emoji": False}


def _discord(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://discord.com/developers/docs/resources/message#embed-object-embed-limits."""
    embed = {
        "title": shortened(escape_markdown(one_line(message.headline)), 256, utf16_units),
        "description": shortened(escape_markdown(details(message)), 4096, utf16_units),
        "color": COLOURS[_level(message)],
    }
    return ChatRequest(options.url, {"embeds": [embed], "allowed_mentions": {"parse": []}})


def _mattermost(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://developers.mattermost.com/integrate/webhooks/incoming."""
    text = f"**{escape_markdown(one_line(message.headline))}**\n{escape_markdown(details(message))}"
    return ChatRequest(options.url, {"text": shortened(text, 16_000, utf16_units)})


def _teams(message: Notification, options: WebhookOptions) -> ChatRequest:
    """An adaptive card of a workflow: https://adaptivecards.io/explorer/RichTextBlock.html; 28 KB in all."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _teams_run(shortened(one_line(message.headline), 500), weight="Bolder", size="Medium"),
            *_teams_lines(message),
        ],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return ChatRequest(options.url, {"type": "message", "attachments": [content]})


def _teams_lines(message: Notification) -> Iterator[dict[str, Any]]:
    """A paragraph for each line, as many as fit."""
    left = MAX_TEAMS_BYTES
    for line in details(message).split("\n"):
        paragraph = _teams_run(shortened(line, 2000))
        left -= len(json.dumps(paragraph))
        if left < 0:
            yield _teams_run(ELLIPSIS)
            return
        yield paragraph


def _teams_run(text: str, **style: str) -> dict[str, Any]:
    """A paragraph that is not interpreted as Markdown, as the text of a TextBlock would be."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text or " ", **style}]}


def _ntfy(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://docs.ntfy.sh/publish/#publish-as-json; longer messages would become attachments."""
    base, _, topic = path_of(options.url).rpartition("/")
    body = {
        "topic": topic,
        "title": shortened(one_line(message.headline), 250, utf8_bytes),
        "message": shortened(details(message), 4000, utf8_bytes),
        "priority": NTFY_PRIORITIES[_level(message)],
        "tags": ["white_check_mark" if _level(message) == RESOLVED else "warning"],
    }
    return ChatRequest(with_path(options.url, f"{base}/"), body)


def _gotify(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://gotify.net/docs/pushmsg; the token is in the address, or sent as a bearer token."""
    path = path_of(options.url)
    body = {
        "title": one_line(message.headline),
        "message": details(message),
        "priority": GOTIFY_PRIORITIES[_level(message)],
        "extras": {"client::display": {"contentType": "text/plain"}},
    }
    return ChatRequest(with_path(options.url, path if path.endswith("/message") else f"{path}/message"), body)


def _telegram(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://core.telegram.org/bots/api#sendmessage; without `parse_mode` nothing is interpreted."""
    path = path_of(options.url)
    body = {
        "chat_id": options.chat_id,
        "text": shortened(f"{one_line(message.headline)}\n{details(message)}", 4096, utf16_units),
        "link_preview_options": {"is_disabled": True},
        "disable_notification": _level(message) in {Severity.INFO, RESOLVED},
    }
    return ChatRequest(with_path(options.url, path if path.endswith("/sendMessage") else f"{path}/sendMessage"), body)


def _matrix(message: Notification, options: WebhookOptions) -> ChatRequest:
    """https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid.

    The identity of the notification is that of the transaction, so that one that is sent again appears once.
    """
    room = quote(options.room or "", safe="")
    path = f"{path_of(options.url)}/_matrix/client/v3/rooms/{room}/send/m.room.message/{message.id}"
    text = shortened(f"{one_line(message.headline)}\n{details(message)}", 30_000, utf8_bytes)
    body = {"msgtype": "m.text", "body": text, "m.mentions": {}}
    return ChatRequest(with_path(options.url, path), body, method="PUT")


def _parts(text: str, most: int, number: int) -> Sequence[str]:
    """The text in at most so many parts of whole lines; what is left is cut off."""
    parts = [""]
    for line in text.split("\n"):
        if len(parts[-1]) + len(line) >= most and parts[-1]:
            parts.append("")
        parts[-1] += f"{line}\n"
    return list(islice((part for part in parts if part.strip()), number))


_BUILDERS: Mapping[ChatService, Callable[[Notification, WebhookOptions], ChatRequest]] = {
    "slack": _slack,
    "discord": _discord,
    "mattermost": _mattermost,
    "teams": _teams,
    "ntfy": _ntfy,
    "gotify": _gotify,
    "telegram": _telegram,
    "matrix": _matrix,
}

"""Text for services that interpret and limit it."""

from __future__ import annotations

import re
from collections.abc import Callable

from collector_plugins.alerts.notification import Notification, text_lines

ELLIPSIS = "…"
_MARKDOWN = re.compile(r"([\\`*_~|<>\[\]()#@:+!-])")
_ZERO_WIDTH_SPACE = "\u200b"

Size = Callable[[str], int]


def utf8_bytes(text: str) -> int:
    """Its length in bytes."""
    return len(text.encode("utf-8", "replace"))


def utf16_units(text: str) -> int:
    """Its length as JavaScript and Telegram count it."""
    return len(text.encode("utf-16-le", "replace")) // 2


def shortened(text: str, most: int, size: Size = len) -> str:
    """The text, cut off so that its size is at most `most`."""
    if size(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + ELLIPSIS) <= most else (low, middle - 1)
    return text[:low] + ELLIPSIS


def details(message: Notification) -> str:
    """What follows the headline, in lines."""
    return "\n".join(list(text_lines(message))[1:])


def escape_markdown(text: str) -> str:
    """The text for Markdown with backslashes; a mention reaches nobody."""
    return _MARKDOWN.sub(r"\\\1", text).replace("@", f"@{_ZERO_WIDTH_SPACE}")


def escape_slack(text: str) -> str:
    """The text for Slack: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

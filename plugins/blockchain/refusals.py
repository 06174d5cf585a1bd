"""What a node's error means: it is asked too often, it does not offer the call, or the batch was too large.

Codes: https://www.jsonrpc.org/specification#error_object, EIP-1474, and what providers answer; their words decide where
the codes do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from collector_core import NotAvailable, Reason

NOT_OFFERED = frozenset({-32601, -32004})
LIMIT_EXCEEDED = frozenset({429, -32005, -32007, -32029, -32090})
LONGEST_MESSAGE = 120  # characters that are shown of an error that a node sends
LONGEST_READ = 1000
ASK_LESS = "set a longer `interval`, or ask for a higher limit: the provider says that it is asked too often"

_LIMIT = re.compile(
    r"rate.?limit|too many|requests?.{0,20} per |per second|/s(ec(ond)?)?\b|request (limit|rate)"
    r"|limit (exceeded|reached)"
    r"|capacity exceeded|exceeded.{0,40}(capacity|credits|requests|calls)|compute units|quota|throttl|slow down"
    r"|try again (later|in)",
    re.IGNORECASE,
)
_SIZE = re.compile(r"batch|(response|result|request|body|payload|content).{0,12}(size|large|long|big)", re.IGNORECASE)
_PAUSE = re.compile(
    r"(?:retry|again|wait).{0,12}?(\d{1,6}(?:\.\d+)?) ?(ms|s|sec|seconds|m|min|minutes)?\b", re.IGNORECASE
)
_SECONDS = {"ms": 0.001, "m": 60.0, "min": 60.0, "minutes": 60.0}


class RpcError(Exception):
    """The node refused a call: its code and its words, bounded and printable. `pause` is how long it asks to wait."""

    def __init__(self, code: int, message: str, pause: float | None = None) -> None:
        self.code = code
        self.pause = pause
        self.words = message
        shown = message[:LONGEST_MESSAGE]
        super().__init__(f"{shown} (code {code})" if shown else f"code {code}")

    @property
    def is_about_size(self) -> bool:
        """Whether it speaks of the batch, or of the size of a message."""
        return bool(_SIZE.search(self.words))

    @property
    def is_limit(self) -> bool:
        """Whether the node is asked too often: a refusal that passes."""
        return not self.is_about_size and (self.code in LIMIT_EXCEEDED or bool(_LIMIT.search(self.words)))

    @property
    def is_not_offered(self) -> bool:
        """Whether the node does not know the method."""
        return self.code in NOT_OFFERED

    def as_failure(self, said: str) -> NotAvailable:
        """Why the node cannot be read, where it refuses what is needed."""
        if self.is_limit:
            return NotAvailable(Reason.UNREACHABLE, said, fix=ASK_LESS, retry_after=self.pause)
        if self.is_not_offered:
            return NotAvailable(Reason.NOT_SUPPORTED, said, fix="enable the eth API of the node's JSON-RPC")
        return NotAvailable(Reason.BAD_DATA, said, fix="look into the node's log")


def error_in(answer: object) -> RpcError | None:
    """The error that an answer holds or is: gateways before a node answer in a way of their own."""
    if not isinstance(answer, dict):
        return None
    if (error := answer.get("error")) is not None:
        return parse_error(error)
    return parse_error(answer) if "result" not in answer and isinstance(answer.get("message"), str) else None


def parse_error(error: object) -> RpcError:
    """What a node says is wrong; it may repeat anything, even our key."""
    fields = error if isinstance(error, dict) else {"message": error}
    message = fields.get("message")
    text = message[:LONGEST_READ] if isinstance(message, str) else ""
    words = "".join(letter if letter.isprintable() else " " for letter in text)
    return RpcError(_code(fields.get("code", fields.get("status"))), words, _pause(fields.get("data"), words))


def _code(code: object) -> int:
    if isinstance(code, str) and re.fullmatch(r"-?[0-9]{1,6}", code):
        return int(code)
    return code if isinstance(code, int) and abs(code) < 10**6 else 0


def _pause(data: object, words: str) -> float | None:
    """How many seconds a provider asks to wait: in its data, else in its words."""
    fields: Mapping[str, Any] = data if isinstance(data, dict) else {}
    for each in (fields, fields.get("rate")):
        seconds = each.get("backoff_seconds") if isinstance(each, dict) else None
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and isfinite(seconds) and seconds > 0:
            return float(seconds)
    found = _PAUSE.search(words)
    return float(found[1]) * _SECONDS.get((found[2] or "s").lower(), 1.0) if found else None

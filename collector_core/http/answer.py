"""What came back: bytes, as text or as JSON that can be trusted to be finite and flat enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NoReturn

from collector_core.errors import NotAvailable, Reason
from collector_core.storage.document import whole_number

MAX_DEPTH = 64  # lists and objects within each other
LOOKED_AT = 1000  # bytes that tell what came instead


@dataclass(frozen=True)
class HttpAnswer:
    """A good answer (2xx). `where` is the host and port that it came from."""

    where: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body as UTF-8; raises `NotAvailable`."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise self._bad(f"not text but {_kind(self.body)}") from None

    def json(self) -> Any:
        """The body as JSON; raises `NotAvailable` for anything else, NaN, too large numbers and more than 64 levels."""
        try:
            value = json.loads(self.body, parse_constant=_refuse, parse_float=_finite, parse_int=whole_number)
        except (ValueError, RecursionError):
            raise self._bad(f"not valid JSON but {_kind(self.body)}") from None
        if _is_deep(value):
            raise self._bad(f"nested more than {MAX_DEPTH} levels deep")
        return value

    def _bad(self, what: str) -> NotAvailable:
        return NotAvailable(Reason.BAD_DATA, f"{self.where}: the answer is {what}", fix="check its URL")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _kind(body: bytes) -> str:
    """What a body seems to be, in words of ours: its own may hold secrets."""
    start = body[:LOOKED_AT].strip().lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "XML"
    if b"\0" in start:
        return "binary data"
    return "JSON that is cut off or malformed" if start.startswith((b"{", b"[")) else "other text"

"""What goes wrong with a request → a bounded reason and what fixes it.

No text repeats a URL, a header or anything that the other side sent: all of them may hold secrets. Host and port say
who is meant.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from collector_core.errors import AuthFailed, HttpStatusError, NotAvailable, NotListening, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECK_ADDRESS = "check that it runs and that its address is right"

_PASSING = frozenset({408, 425, 429})  # and all of 5xx, for which the server says that it is its own fault

# https://www.rfc-editor.org/rfc/rfc9110#section-15; what is not listed follows from its class
_OF_STATUS = {
    404: (Reason.NOT_FOUND, "check the path of its URL"),
    405: (Reason.NOT_SUPPORTED, "check the path of its URL"),
    408: (Reason.TIMEOUT, "check how busy it is"),
    410: (Reason.NOT_FOUND, "check the path of its URL"),
    425: (Reason.UNREACHABLE, ""),
    429: (Reason.UNREACHABLE, "set a longer `interval`"),
    501: (Reason.NOT_SUPPORTED, "check the path of its URL"),
    504: (Reason.TIMEOUT, "check how busy the server behind it is"),
}
_OF_CLASS = {
    3: (Reason.BAD_DATA, "set the URL that it redirects to in the configuration; `curl -sI URL` shows it"),
    4: (Reason.BAD_DATA, "check its URL"),
    5: (Reason.UNREACHABLE, "check its log"),
}


def place(url: str) -> str:
    """Host and port of a URL: all of it that may be shown."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the address"
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown or "the address"


def of_status(where: str, status: int, headers: Mapping[str, str], now: float) -> HttpStatusError | AuthFailed:
    """What a status other than 2xx means; `now` is in seconds since 1970, for dates in `Retry-After`."""
    said = f"{where} answers {status}{_phrase(status)}"
    if status in (401, 403, 407):
        return AuthFailed(said, fix="check its password, token or key", status=status)
    reason, fix = _OF_STATUS.get(status) or _OF_CLASS.get(status // 100) or (Reason.BAD_DATA, CHECK_ADDRESS)
    if status // 100 == 3:
        said += "; redirects are not followed, or only to the same host and port"
    passes, pause = status in _PASSING or status >= 500, retry_after(headers.get("Retry-After", ""), now)
    return HttpStatusError(status, reason, said, fix=fix, is_retryable=passes, retry_after=pause)


def of_error(where: str, error: BaseException, seconds: float) -> NotAvailable:
    """What an exception of aiohttp or of the system means; `seconds` is how long an answer might take."""
    aiohttp = sys.modules.get("aiohttp")  # heavy; where it has raised something it is there
    if isinstance(error, NotAvailable):
        return error
    reason, words, fix = Reason.UNREACHABLE, type(error).__name__, CHECK_ADDRESS
    if isinstance(error, TimeoutError):
        reason, words = Reason.TIMEOUT, f"no answer within {seconds:g} s"
    elif aiohttp and isinstance(error, aiohttp.InvalidURL):
        reason, words, fix = Reason.BAD_DATA, "its URL is not valid", "correct its URL"
    elif aiohttp and isinstance(error, aiohttp.ClientResponseError):
        reason, words = Reason.BAD_DATA, "the server does not speak HTTP"
    elif isinstance(error, OSError):
        reason, words, fix = _of_os_error(error)
        if error.errno == errno.ECONNREFUSED:
            return NotListening(reason, f"{where}: {words}", fix=fix)
    return NotAvailable(reason, f"{where}: {words}", fix=fix)


def _of_os_error(error: OSError) -> tuple[Reason, str, str]:
    """Reason, words and fix for a connection that was not made or broke."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"its certificate was rejected: {cause.verify_message}"
        return Reason.AUTH, words, "give it a certificate that this machine trusts"
    if isinstance(cause, socket.gaierror):
        return Reason.UNREACHABLE, "its name cannot be resolved", CHECK_ADDRESS
    number = getattr(cause, "errno", None) or 0
    words = os.strerror(number) if number > 0 else type(error).__name__
    denied = number in (errno.EACCES, errno.EPERM)
    return Reason.PERMISSION if denied else Reason.UNREACHABLE, words, "" if denied else CHECK_ADDRESS


def too_long(where: str, limit: int, fix: str = "") -> NotAvailable:
    """An answer or a message above `limit` (bytes)."""
    size = f"{limit / (1 << 20):g} MiB" if limit >= 1 << 20 else f"{limit / 1024:g} KiB"
    return NotAvailable(Reason.BAD_DATA, f"{where}: the answer is longer than the limit of {size}", fix=fix)


def retry_after(text: str, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date (RFC 9110, 10.2.3); None where it asks for none."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _phrase(status: int) -> str:
    """The standard's words for a status; the server's own may hold anything."""
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""

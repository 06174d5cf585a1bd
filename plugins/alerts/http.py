"""Posts to where the configuration says and nowhere else: no redirects, a deadline, no URL in any message."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from collector_core import Reason
from collector_plugins.alerts.delivery_queue import DeliveryFailed

if TYPE_CHECKING:
    import aiohttp

TRY_AGAIN = frozenset({408, 425, 429})  # and all of 5xx
MAX_HEADER_BYTES = 16 << 10
AGENT = "energy-collector"


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post JSON; raises `DeliveryFailed` for everything but 2xx. The caller sets the deadline."""
    import aiohttp  # noqa: PLC0415 - only where a channel needs it

    where = place(url)
    try:
        async with (
            aiohttp.ClientSession(
                headers={"Content-Type": "application/json", "User-Agent": AGENT, **headers},
                cookie_jar=aiohttp.DummyCookieJar(),
                max_field_size=MAX_HEADER_BYTES,
                max_line_size=MAX_HEADER_BYTES,
            ) as session,
            session.post(url, data=body, allow_redirects=False) as answer,
        ):
            check(answer, where)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        _fail(error, where)


def place(url: str) -> str:
    """Host and port of a URL: all of it that may be shown."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port}" if parts.port else str(host)


def check(answer: aiohttp.ClientResponse, where: str) -> None:
    """Raise `DeliveryFailed` unless the answer is a success."""
    status = answer.status
    if 200 <= status < 300:
        return
    detail = f"{where} answers {status}"
    if status in TRY_AGAIN or status >= 500:
        raise DeliveryFailed(Reason.UNREACHABLE, detail, retry_after=retry_after(answer.headers.get("Retry-After", "")))
    if 300 <= status < 400:
        fix = "write the URL that it redirects to into the configuration"
        raise DeliveryFailed(Reason.BAD_DATA, f"{detail}: redirects are not followed", fix=fix, retry=False)
    if status in (401, 403):
        raise DeliveryFailed(Reason.AUTH, detail, fix="check the channel's token or password", retry=False)
    raise DeliveryFailed(Reason.BAD_DATA, detail, fix="check the channel's URL", retry=False)


def retry_after(text: str, now: float | None = None) -> float:
    """Seconds that a `Retry-After` asks for, as a number or a date (RFC 9110, 10.2.3); 0 where it asks for none."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0
    return max(0.0, when - (time.time() if now is None else now))


def _fail(error: Exception, where: str) -> NoReturn:
    """Texts of aiohttp's exceptions may contain the URL: only their kind, and the system's own word, are told."""
    import ssl  # noqa: PLC0415 - only where something failed

    strerror = getattr(error, "strerror", None)
    cause = getattr(error, "certificate_error", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        detail, fix = f"{where}: {cause.verify_message}", "give it a certificate that this machine trusts"
        raise DeliveryFailed(Reason.AUTH, detail, fix=fix) from None
    words = f"{type(error).__name__}: {strerror}" if strerror else type(error).__name__
    fix = "check that it runs and that the address is right"
    raise DeliveryFailed(Reason.UNREACHABLE, f"{where}: {words}", fix=fix) from None

"""Asks a collector that runs, for commands: blocking, past the proxies of the environment."""

from __future__ import annotations

from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

MAX_BYTES = 16 << 20


def ask_service(url: str, path: str, *, method: str, timeout: float) -> bytes:
    """What the service at `url` answers for a path.

    Raises `ValueError` where `url` is not an address, `HTTPError` for statuses other than 2xx, and other `OSError`.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("write it as http://HOST:PORT or https://HOST:PORT")
    request = Request(url.rstrip("/") + path, method=method)  # noqa: S310 - checked above
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=timeout) as answer:
            return bytes(answer.read(MAX_BYTES))
    except HTTPException as error:
        raise OSError(f"it does not speak HTTP ({type(error).__name__})") from None

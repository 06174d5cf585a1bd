"""Addresses that secrets are sent to: encrypted, unless they stay on this machine."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def is_loopback_host(host: str | None) -> bool:
    """Whether a server is called so only on this machine: what is sent there need not be encrypted."""
    return host in ("127.0.0.1", "::1", "localhost")


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and is_loopback_host(parts.hostname)
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise ValueError("must begin with https://, because the token goes there")
    return url.rstrip("/")


SecureUrl = Annotated[str, AfterValidator(_encrypted)]
"""The type of an option that is the address of a web server and gets a secret: http:// only on loopback."""

"""One request to a chat service: where it goes and what it holds. Addresses hold tokens, so they are secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from collector_core import SecretStr


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request with a JSON body."""

    url: SecretStr
    body: Mapping[str, Any]
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


def with_path(url: SecretStr, path: str) -> SecretStr:
    """The address with another path."""
    return SecretStr(urlunsplit(urlsplit(url.get_secret_value())._replace(path=path)))


def path_of(url: SecretStr) -> str:
    """The path of an address, without a slash at its end."""
    return urlsplit(url.get_secret_value()).path.rstrip("/")

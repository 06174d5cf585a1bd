"""Options of the output, checked before anything is connected."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from collector_core import Field, OutputConfig

PORT = 2003
_PREFIX = re.compile(r"(?!~)[^\s;]*")


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "tcp" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise ValueError("expected an address such as tcp://graphite.lan:2003")
    return url


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("must have no blanks, no ; and no ~ at its begin")
    return text


class Config(OutputConfig):
    """Options of the output graphite."""

    url: Annotated[str, AfterValidator(_address)] = Field(
        description="Address of the plaintext receiver, e.g. `tcp://graphite.lan:2003`."
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        "", description="What names begin with, its dot included, e.g. `home.`."
    )
    tags: bool = Field(True, description="Labels as tags (Graphite 1.1 and later); else they are parts of the name.")

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or PORT

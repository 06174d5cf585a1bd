"""The formats of an exposition, and which one a client wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, gzip_accepted


class Format(Enum):
    """The two formats that Prometheus asks for."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a client accepts: the format, its content type and whether it takes gzip."""

    format: Format
    content_type: str
    gzip: bool


@lru_cache(maxsize=128)
def negotiate(accept: str, accept_encoding: str) -> Encoding:
    """Read the `Accept` and `Accept-Encoding` headers as prometheus_client does, but for what is malformed."""
    content_type = _content_type(accept)
    kind = Format.OPENMETRICS if content_type.startswith("application/openmetrics-text") else Format.TEXT
    return Encoding(kind, content_type, gzip_accepted(accept_encoding))


def _content_type(accept: str) -> str:
    """The first format that the header asks for and that there is; the classic one where there is none."""
    for entry in accept.replace('"', "").split(","):
        try:
            _, content_type = choose_encoder(entry)
        except (ValueError, TypeError):  # its version is no number
            continue
        if content_type != CONTENT_TYPE_PLAIN_0_0_4:
            return content_type
    return CONTENT_TYPE_PLAIN_0_0_4

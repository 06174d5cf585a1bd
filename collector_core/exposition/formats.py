"""The formats of an exposition, and which one a client wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class ExpositionFormat(StrEnum):
    """The two formats that Prometheus asks for."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a client accepts: the format, its content type and whether it takes gzip."""

    format: ExpositionFormat
    content_type: str
    gzip: bool


END_OF_OPENMETRICS = b"# EOF\n"

_PLAIN = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPINGS = frozenset({"allow-utf-8", "underscores", "dots", "values"})
_FIRST_VERSION = (1, 0, 0)  # that says how names are escaped


@lru_cache(maxsize=128)
def negotiate(accept: str, accept_encoding: str) -> Encoding:
    """Read the `Accept` and `Accept-Encoding` headers as prometheus_client does, but for what is malformed."""
    content_type = _content_type(accept)
    kind = (
        ExpositionFormat.OPENMETRICS
        if content_type.startswith("application/openmetrics-text")
        else ExpositionFormat.TEXT
    )
    return Encoding(kind, content_type, accepts_gzip(accept_encoding))


def _content_type(accept: str) -> str:
    """The first format that the header asks for and that there is; the classic one where there is none."""
    offers = map(_offered, accept.replace('"', "").split(","))
    return next((offer for offer in offers if offer), _PLAIN)


def _offered(entry: str) -> str:
    """What answers an entry of `Accept` that names one of the newer formats; empty where it does not."""
    media, *_ = parts = entry.split(";")
    version, escaping = _parameter(parts, "version"), _parameter(parts, "escaping")
    suffix = f"; escaping={escaping if escaping in _ESCAPINGS else 'underscores'}"
    match media.strip(), version, _is_new(version):
        case "application/openmetrics-text", "", _:
            return _OPENMETRICS
        case "application/openmetrics-text", _, True:
            return f"application/openmetrics-text; version={version}; charset=utf-8{suffix}"
        case "text/plain", _, True:
            return f"text/plain; version=1.0.0; charset=utf-8{suffix}"
    return ""


def _parameter(parts: list[str], name: str) -> str:
    found = (part.strip().split("=", 1) for part in parts if "=" in part)
    return next((value for key, value in found if key == name), "")


def _is_new(version: str) -> bool:
    try:
        return tuple(map(int, version.split("."))) >= _FIRST_VERSION
    except ValueError:
        return False


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the header `Accept-Encoding` names gzip."""
    return any(entry.split(";")[0].strip().lower() == "gzip" for entry in accept_encoding.split(","))

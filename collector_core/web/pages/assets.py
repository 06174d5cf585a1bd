"""What pages load: the style sheet and the script, named by their content, so that browsers ask for them once."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from collector_core.exposition.formats import accepts_gzip

STYLE, SCRIPT = "page.css", "page.js"
_TYPES = {STYLE: "text/css", SCRIPT: "text/javascript"}
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def address_of(name: str) -> str:
    """Where an asset is; another one once its content changes."""
    return f"/{name}?v={_version(name)}"


def routes() -> list[web.RouteDef]:
    """The routes of all."""
    return [web.get(f"/{name}", _handler(name, kind)) for name, kind in _TYPES.items()]


def _handler(name: str, kind: str) -> Any:
    async def handle(request: web.Request) -> web.Response:
        is_compressed = accepts_gzip(request.headers.get("Accept-Encoding", ""))
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Cache-Control": _FOR_EVER if request.query.get("v") == _version(name) else "no-cache",
            "Vary": "Accept-Encoding",
            **({"Content-Encoding": "gzip"} if is_compressed else {}),
        }
        return web.Response(body=_read(name, is_compressed=is_compressed), headers=headers)

    return handle


@cache
def _version(name: str) -> str:
    return sha256(_read(name, is_compressed=False)).hexdigest()[:12]


@cache
def _read(name: str, *, is_compressed: bool) -> bytes:
    body = (Path(__file__).parent / name).read_bytes()
    return gzip.compress(body, mtime=0) if is_compressed else body

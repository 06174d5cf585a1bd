"""Dashboards and rules to download: the files that come with the program."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from aiohttp import web

DASHBOARDS, RULES = "dashboards", "rules"
_TYPES = {DASHBOARDS: "application/json", RULES: "application/yaml"}


@cache
def names(kind: str) -> tuple[str, ...]:
    """The files of a kind."""
    folder = _folder(kind)
    return (
        tuple(sorted(file.name for file in folder.iterdir() if file.name.endswith((".json", ".yaml"))))
        if folder.is_dir()
        else ()
    )


async def download(request: web.Request) -> web.Response:
    """One file; 404 for what is none."""
    kind, name = request.match_info["kind"], request.match_info["name"]
    if name not in names(kind):
        raise web.HTTPNotFound
    text = _folder(kind).joinpath(name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=_TYPES[kind])


def routes() -> list[web.RouteDef]:
    """The routes of all kinds."""
    return [web.get("/{{kind:{}}}/{{name}}".format("|".join(_TYPES)), download)]


def _folder(kind: str) -> Any:
    return resources.files("collector_core.web.pages").joinpath(kind)

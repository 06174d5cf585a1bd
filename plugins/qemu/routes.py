"""The REST interface: what cinergy's clients ask for, and all guests at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from collector_plugins.qemu.view import View

if TYPE_CHECKING:
    from aiohttp import web

Answer = Callable[["web.Request"], dict[str, Any]]


class Api:
    """Answers from the view that `latest` gives; that raises `ApiError` while there is none to answer from."""

    def __init__(self, latest: Callable[[], View]) -> None:
        self._latest = latest

    def routes(self) -> Sequence[web.RouteDef]:
        """Everything that is served."""
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        def serve(path: str, answer: Answer) -> web.RouteDef:
            async def handle(request: web.Request) -> web.Response:
                return web.json_response(answer(request))

            return web.get(path, handle)

        return [
            serve("/power", self._power),
            serve("/carbon", self._carbon),
            serve("/api/v1/vms", self._all),
            serve("/api/v1/vms/{uuid}", self._one),
        ]

    def _power(self, request: web.Request) -> dict[str, Any]:
        view = self._latest()
        return view.power(view.find(*_asked(request)))

    def _carbon(self, request: web.Request) -> dict[str, Any]:
        view = self._latest()
        return view.carbon(view.find(*_asked(request)))

    def _all(self, request: web.Request) -> dict[str, Any]:
        view = self._latest()
        return view.one(view.find(*_asked(request))) if {"vm", "uuid"} & request.query.keys() else view.all()

    def _one(self, request: web.Request) -> dict[str, Any]:
        view = self._latest()
        return view.one(view.find("", request.match_info["uuid"]))


def _asked(request: web.Request) -> tuple[str, str]:
    return request.query.get("vm", ""), request.query.get("uuid", "")

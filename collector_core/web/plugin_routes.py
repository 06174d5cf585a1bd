"""HTTP routes of collectors, which come and go with the collectors while the server runs."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from aiohttp import hdrs, web
from yarl import URL

from collector_core.engine.app import App
from collector_core.engine.runner import Runner
from collector_core.errors import StartupError, describe
from collector_core.plugins.attempts import StillBusy
from collector_core.web.handler_thread import HandlerThread
from collector_core.web.nonblocking import is_nonblocking

log = logging.getLogger(__name__)

OWN = "energy-collector itself"
_VARIABLE = re.compile(r"\{[^{}]*\}")


class PluginRoutes(web.AbstractResource):
    """One resource of the server that stands for all routes of the collectors that run now.

    aiohttp's own table cannot change once the server runs: this one asks a table that is made anew when the collectors
    have changed. It comes after the framework's `own` routes, which nobody can take.
    """

    def __init__(self, app: App, own: Sequence[web.RouteDef]) -> None:
        super().__init__(name=None)
        self._app = app
        self._own = own
        self._offers: dict[Runner, list[web.RouteDef]] = {}
        self._threads: dict[Runner, HandlerThread] = {}
        self._made_of: object = None
        self._table = web.UrlDispatcher()
        self._clashes: list[str] = []
        self._refreshing = threading.Lock()

    def settle(self) -> None:
        """Take up the routes of the collectors that run now; may block for as long as they may take to say them.

        Raises `StartupError` when two collectors, or one and the framework, offer the same path. Where that is found
        later, the first one keeps it.
        """
        if clashes := self._refresh():
            raise StartupError("; ".join(clashes))

    async def close(self, _application: web.Application) -> None:
        """End the threads of all handlers; returns at once."""
        for thread in self._threads.values():
            thread.stop()

    async def resolve(self, request: web.Request) -> tuple[Any, set[str]]:
        """The match of a request, None where no collector has one, and the methods that its path takes."""
        if self._state() != self._made_of:
            for clash in await asyncio.to_thread(self._refresh):
                log.error("%s", clash)
        found = await self._table.resolve(request)
        refusal = found.http_exception
        if refusal is None:
            return found, set()
        return None, refusal.allowed_methods if isinstance(refusal, web.HTTPMethodNotAllowed) else set()

    def _state(self) -> tuple[Sequence[Runner], int]:
        """What the table depends on: who runs, and how many have said late what they offer."""
        return tuple(self._app.runners.values()), self._app.attempts.late

    def _refresh(self) -> list[str]:
        """Make the table anew where it is out of date; returns the clashes that are new."""
        with self._refreshing:
            state = runners, _ = self._state()
            if state == self._made_of:
                return []
            for runner in self._offers.keys() - set(runners):
                del self._offers[runner]
            for runner in self._threads.keys() - set(runners):
                self._threads.pop(runner).stop()
            self._table, clashes = self._tabulate(runners)
            known, self._clashes, self._made_of = self._clashes, clashes, state
            return [clash for clash in clashes if clash not in known]

    def _tabulate(self, runners: Sequence[Runner]) -> tuple[web.UrlDispatcher, list[str]]:
        """Every route that nobody before has, and what is wrong with the others."""
        table, owners, clashes = web.UrlDispatcher(), _Owners(self._own), list[str]()
        for runner in runners:
            for route in self._routes_of(runner):
                other = owners.claim(route, runner)
                if other is None:
                    thread = self._thread_of(runner)
                    handler = (
                        thread.kept(route.handler) if is_nonblocking(route.handler) else thread.moved(route.handler)
                    )
                    table.add_routes([web.RouteDef(route.method, route.path, handler, route.kwargs)])
                else:
                    clashes.append(
                        f"{route.method} {route.path} is offered by {_name(other)} and by {_name(runner)}; "
                        "remove one of them from the configuration"
                    )
        return table, clashes

    def _routes_of(self, runner: Runner) -> list[web.RouteDef]:
        """What a collector offers; nothing where it fails to say, which harms no other."""
        if runner in self._offers:
            return self._offers[runner]
        try:
            offered = [_checked(route) for route in self._app.routes_of(runner)]
            web.UrlDispatcher().add_routes(offered)
        except StillBusy:
            return []  # it is logged, and its routes are taken up when it says them
        except Exception as error:  # noqa: BLE001 - a plugin may offer anything
            log.error("collector %s adds no routes: %s", runner.instance.name, describe(error))  # noqa: TRY400 - one line
            offered = []
        self._offers[runner] = offered
        return offered

    def _thread_of(self, runner: Runner) -> HandlerThread:
        if runner not in self._threads:
            self._threads[runner] = HandlerThread(runner.instance.name, runner.instance.type.__module__)
        return self._threads[runner]

    @property
    def canonical(self) -> str:
        """Where aiohttp asks it: below every path, after the routes that are longer."""
        return "/"

    def raw_match(self, path: str) -> bool:
        """Whether it was registered for just this path, so that it could take another route: never."""
        del path
        return False

    def get_info(self) -> Any:
        """Nothing that could be told."""
        return {}

    def url_for(self, **_: str) -> URL:
        """No single address."""
        raise NotImplementedError

    def add_prefix(self, prefix: str) -> NoReturn:
        """Only for applications within others."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._table.routes())

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(self._table.routes())


class _Owners:
    """Who has which path, whatever its variables are called."""

    def __init__(self, own: Sequence[web.RouteDef]) -> None:
        self._methods: dict[str, dict[str, Runner | str]] = {}
        for route in own:
            self.claim(route, OWN)

    def claim(self, route: web.RouteDef, owner: Runner | str) -> Runner | str | None:
        """Give a route to `owner`; returns who has it already, None if nobody."""
        methods = self._methods.setdefault(_VARIABLE.sub("{}", route.path), {})
        taken = methods.get(route.method) or methods.get(hdrs.METH_ANY)
        if route.method == hdrs.METH_ANY:
            taken = taken or next(iter(methods.values()), None)
        if taken is None:
            methods[route.method] = owner
        return taken


def _name(owner: Runner | str) -> str:
    return owner if isinstance(owner, str) else f"collector {owner.instance.name}"


def _checked(route: web.AbstractRouteDef) -> web.RouteDef:
    if not isinstance(route, web.RouteDef):
        raise TypeError(f"collector_routes() must return aiohttp.web.RouteDef objects, got {type(route).__name__}")
    return route

"""The whole web interface on aiohttp: all routes, ours and the collectors', behind one guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from collector_core.engine.app import App
from collector_core.web.callers import CallerGuard
from collector_core.web.error_responses import error_responses, forbid_sniffing
from collector_core.web.limited_server import ContextSource
from collector_core.web.limits import Limits
from collector_core.web.plugin_routes import PluginRoutes
from collector_core.web.reloads import Reloads
from collector_core.web.routes import Routes
from collector_core.web.server import LimitedRunner, serve, set_up

if TYPE_CHECKING:
    from collector_core.web.protection import Protection


def make_web_app(app: App, routes: Routes, protection: Protection | None = None) -> web.Application:
    """The aiohttp application with `routes` and those of the collectors, protected as the web configuration says.

    Raises `StartupError` when two offer the same path.
    """
    of_plugins = PluginRoutes(app, routes.table())
    of_plugins.settle()
    return _web_app(routes, of_plugins, _guard(app, protection), protection)


class Site:
    """The web interface of one `App`."""

    def __init__(self, app: App, reloads: Reloads) -> None:
        self._app = app
        self._routes = Routes(app, reloads)
        self._of_plugins = PluginRoutes(app, self._routes.table())

    def settle(self) -> None:
        """Take up the routes of the collectors that run now; raises `StartupError` when two offer the same path."""
        self._of_plugins.settle()

    async def set_up(self, limits: Limits) -> LimitedRunner:
        """A server that listens nowhere: its connections are handed to it."""
        guard = _guard(self._app, None)
        web_app = _web_app(self._routes, self._of_plugins, guard, None)
        return await set_up(web_app, limits, direct={"/metrics": guard.direct(self._routes.metrics)})

    async def set_up_probes(self, limits: Limits) -> LimitedRunner:
        """The same for the health checks alone."""
        application = web.Application()
        application.add_routes(self._routes.probes())
        return await set_up(application, limits)

    async def serve_protected(
        self, host: str, port: int, protection: Protection, context: ContextSource | None, limits: Limits
    ) -> LimitedRunner:
        """Serve with passwords, or with TLS."""
        web_app = _web_app(self._routes, self._of_plugins, _guard(self._app, protection), protection)
        return await serve(web_app, host=host, port=port, ssl_context=context, limits=limits)


def _guard(app: App, protection: Protection | None) -> CallerGuard:
    hosts = app.config.settings.allowed_hosts
    return CallerGuard(protection.authenticates, hosts) if protection else CallerGuard(hosts=hosts)


def _web_app(
    routes: Routes, of_plugins: PluginRoutes, guard: CallerGuard, protection: Protection | None
) -> web.Application:
    application = web.Application(middlewares=[error_responses, guard.middleware])
    application.on_response_prepare.append(forbid_sniffing)
    application.add_routes(routes.table())
    application.router.register_resource(of_plugins)
    application.on_shutdown.append(routes.end_streams)
    application.on_cleanup.extend([of_plugins.close, routes.close])
    if protection:
        protection.cover(application)
    return application

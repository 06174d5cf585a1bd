"""The long-running program: an app, its web server and the signals."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from collector_core.config.secrets import Redactor
from collector_core.config.settings import parse_listen
from collector_core.engine.app import App
from collector_core.errors import ConfigError
from collector_core.plugins.attempts import Attempts
from collector_core.polling.own_thread import start_thread
from collector_core.web.callers import CallerGuard
from collector_core.web.error_responses import error_responses, forbid_sniffing
from collector_core.web.limits import Limits
from collector_core.web.loop_guard import LoopGuard
from collector_core.web.plugin_routes import PluginRoutes
from collector_core.web.reloads import Reloads
from collector_core.web.routes import Routes
from collector_core.web.sd_notify import Notifier
from collector_core.web.server import LimitedRunner, serve
from collector_core.web.signals import Signals

if TYPE_CHECKING:
    from collector_core.web.protection import Protection

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that the others wait for plugins that hang at the start; these join when they are ready
DRAIN_SECONDS = 1.0  # at the end, for requests in progress; with what follows less than the 4.4 s of `Signals`
COLLECTORS_STOP_SECONDS = 1.5  # outputs and the history take up to 1.5 s more
MAX_PROBES = 32  # connections at once
SETTLED_SECONDS = 5.0  # what is there by then stays for good: the garbage collector need not look at it again


def make_web_app(app: App, routes: Routes, protection: Protection | None = None) -> web.Application:
    """The aiohttp application with `routes` and those of the collectors, protected as the web configuration says.

    Raises `StartupError` when two offer the same path.
    """
    return _web_app(routes, PluginRoutes(app, routes.table()), _guard(app, protection), protection)


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


async def run(config: Path | None, listen: str | None, *, root: Path | None, redactor: Redactor, demo: bool) -> bool:
    """Collect and serve until SIGTERM or SIGINT; returns whether every collector's thread has ended.

    It serves before any plugin is loaded; collectors join as they are ready. Raises `ConfigError` when the
    configuration or the web configuration is bad and `StartupError` when the address cannot be had, or when two
    collectors offer the same path.
    """
    service = _Service(config, root=root, redactor=redactor, demo=demo)
    return await service.run(listen)


class _Service:
    def __init__(self, config: Path | None, *, root: Path | None, redactor: Redactor, demo: bool) -> None:
        self._notifier = Notifier()
        self._reloads = Reloads(self._reload)
        attempts = Attempts(PATIENCE, self._reloads.request)
        self._app = App(config, root=root, redactor=redactor, demo=demo, keeps_history=True, attempts=attempts)
        self._routes = Routes(self._app, self._reloads)
        self._of_plugins = PluginRoutes(self._app, self._routes.table())
        self._stop = asyncio.Event()

    async def run(self, listen: str | None) -> bool:
        """As the function below the class."""
        app, loop = self._app, asyncio.get_running_loop()
        Signals(lambda: loop.call_soon_threadsafe(self._stop.set), self._reloads.request).watch()
        app.load_settings()
        servers = [await self._serve(listen or app.config.settings.listen)]
        if app.config.settings.probe_listen:
            servers.append(await self._serve_probes(app.config.settings.probe_listen))
        app.watch(LoopGuard(loop, app.count_loop_stall))
        app.start()
        loop.call_later(SETTLED_SECONDS, gc.freeze)
        stop = loop.create_task(self._stop.wait())
        try:
            await self._load(stop)
            signs = loop.create_task(_show_signs_of_life(app, self._notifier))
            await stop
            signs.cancel()
        finally:
            log.info("stopping")
            self._notifier.stopping()
            stop.cancel()
            for server in servers:
                await server.cleanup()
            ended = await asyncio.wrap_future(start_thread("stop", lambda: app.stop(COLLECTORS_STOP_SECONDS)))
        return ended

    async def _load(self, stop: asyncio.Task[Literal[True]]) -> None:
        """Load what collects, unless the program is to stop meanwhile; raises what is wrong with the configuration."""
        loading = asyncio.wrap_future(start_thread("start", self._load_collectors))
        await asyncio.wait((loading, stop), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            await loading
            log.info("%d collectors run", len(self._app.runners))
            self._notifier.ready(_status(self._app))

    def _load_collectors(self) -> None:
        self._app.load()
        self._of_plugins.settle()

    async def _serve(self, listen: str) -> LimitedRunner:
        protection = _protection(self._app)
        context = protection.context_source(self._app.show_certificate_expiry) if protection else None
        host, port = parse_listen(listen)
        guard = _guard(self._app, protection)
        direct = {} if protection else {"/metrics": guard.direct(self._routes.metrics)}
        web_app = _web_app(self._routes, self._of_plugins, guard, protection)
        limits = Limits(drain_timeout=DRAIN_SECONDS)
        runner = await serve(web_app, host=host, port=port, ssl_context=context, limits=limits, direct=direct)
        scheme = "https" if context else "http"
        log.info("listening on %s", ", ".join(f"{scheme}://{_authority(address)}" for address in runner.addresses))
        return runner

    async def _serve_probes(self, listen: str) -> LimitedRunner:
        application = web.Application()
        application.add_routes(self._routes.probes())
        host, port = parse_listen(listen)
        runner = await serve(application, host=host, port=port, limits=Limits(max_connections=MAX_PROBES))
        log.info("health checks are answered on %s", ", ".join(map(_authority, runner.addresses)))
        return runner

    def _reload(self) -> None:
        notifier = self._notifier
        notifier.reloading()
        try:
            self._app.reload()
        except ConfigError as error:
            log.error("configuration not reloaded; the previous one stays in use: %s", error)  # noqa: TRY400 - it says it all
            notifier.ready("the configuration is invalid; the previous one stays in use; see the log")
            raise
        notifier.ready(_status(self._app))


def _protection(app: App) -> Protection | None:
    file = app.config.settings.web_config
    if file is None:
        return None
    from collector_core.web.protection import Protection  # noqa: PLC0415 - most do without, and it costs 2 MiB

    return Protection(file)


def _authority(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _show_signs_of_life(app: App, notifier: Notifier) -> None:
    """Tell systemd's watchdog that we live for as long as both this loop and the collectors' watchdog turn."""
    while interval := notifier.watchdog_interval:
        if app.watchdog.alive:
            notifier.alive()
        await asyncio.sleep(interval)


def _status(app: App) -> str:
    return f"{len(app.runners)} collectors run"

"""The long-running program: an app, its web server and the signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from collector_core.config.settings import parse_listen
from collector_core.engine.app import App
from collector_core.errors import ConfigError
from collector_core.web.error_responses import error_responses, forbid_sniffing
from collector_core.web.plugin_routes import PluginRoutes
from collector_core.web.routes import Routes
from collector_core.web.sd_notify import Notifier
from collector_core.web.server import LimitedRunner, serve
from collector_core.web.write_access import require_auth_outside_loopback

if TYPE_CHECKING:
    from collector_core.web.protection import Protection

log = logging.getLogger(__name__)

SETTLED_SECONDS = 5.0  # what is there by then stays for good: the garbage collector need not look at it again


def make_web_app(app: App, routes: Routes, protection: Protection | None = None) -> web.Application:
    """The aiohttp application with `routes` and those of the collectors, protected as the web configuration says.

    Raises `StartupError` when two offer the same path.
    """
    writes = require_auth_outside_loopback(protection.authenticates) if protection else require_auth_outside_loopback()
    application = web.Application(middlewares=[error_responses, writes])
    application.on_response_prepare.append(forbid_sniffing)
    application.add_routes(routes.table())
    application.router.register_resource(PluginRoutes(app, routes.table()))
    if protection:
        protection.cover(application)
    return application


async def run(app: App, listen: str) -> bool:
    """Collect and serve until SIGTERM or SIGINT; returns whether every collector's thread has ended.

    `app` is loaded, not started. Raises `ConfigError` when the web configuration is bad and `StartupError` when the
    address cannot be had; nothing has been started then.
    """
    stop, notifier = asyncio.Event(), Notifier()
    runner = await _serve(app, listen)
    _handle_signals(app, stop, notifier)
    app.start()
    asyncio.get_running_loop().call_later(SETTLED_SECONDS, gc.freeze)
    notifier.ready(_status(app))
    signs = asyncio.create_task(_show_signs_of_life(app, notifier))
    try:
        await stop.wait()
    finally:
        log.info("stopping")
        notifier.stopping()
        signs.cancel()
        await runner.cleanup()
        ended = await asyncio.to_thread(app.stop)
    return ended


async def _serve(app: App, listen: str) -> LimitedRunner:
    protection = _protection(app)
    context = protection.context_source() if protection else None
    host, port = parse_listen(listen)
    routes = Routes(app)
    direct = {} if protection else {"/metrics": routes.metrics}
    web_app = make_web_app(app, routes, protection)
    runner = await serve(web_app, host=host, port=port, ssl_context=context, direct=direct)
    scheme = "https" if context else "http"
    urls = ", ".join(f"{scheme}://{_authority(address)}" for address in runner.addresses)
    log.info("listening on %s with %d collectors", urls, len(app.runners))
    return runner


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


def _handle_signals(app: App, stop: asyncio.Event, notifier: Notifier) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_or_exit(stop))
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, _reload, app, notifier))


def _stop_or_exit(stop: asyncio.Event) -> Callable[[], None]:
    """The first signal drains, a second one ends the process at once."""

    def handle() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    return handle


def _reload(app: App, notifier: Notifier) -> None:
    notifier.reloading()
    try:
        app.reload()
    except ConfigError as error:
        log.error("configuration not reloaded; the previous one stays in use: %s", error)  # noqa: TRY400 - it says it all
        notifier.ready("the configuration is invalid; the previous one stays in use; see the log")
    else:
        notifier.ready(_status(app))

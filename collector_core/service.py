"""The long-running program: an app, its web server and the signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from collector_core.app import App
from collector_core.config import parse_listen
from collector_core.errors import ConfigError
from collector_core.web import tls
from collector_core.web.auth import protect, require_auth_outside_loopback
from collector_core.web.guard import GuardedRunner, serve
from collector_core.web.routes import Routes, json_errors
from collector_core.web.watch import WebConfigFile

log = logging.getLogger(__name__)


def make_web_app(app: App, web_config: WebConfigFile | None) -> web.Application:
    """The aiohttp application over `app`, protected as `web_config` says."""
    application = web.Application(middlewares=[json_errors, require_auth_outside_loopback(web_config)])
    application.add_routes(Routes(app).table())
    if web_config:
        protect(application, web_config)
    return application


async def run(app: App, listen: str) -> bool:
    """Collect and serve until SIGTERM or SIGINT; returns whether every collector's thread has ended.

    `app` is loaded, not started. Raises `ConfigError` when the web configuration is bad and `StartupError` when the
    address cannot be had; nothing has been started then.
    """
    stop = asyncio.Event()
    runner = await _serve(app, listen)
    _handle_signals(app, stop)
    app.start()
    gc.collect()
    gc.freeze()  # what is there now stays for good: the collector of garbage need not look at it again
    log.info("listening on %s with %d collectors", ", ".join(_urls(app, runner)), len(app.runners))
    try:
        await stop.wait()
    finally:
        log.info("stopping")
        await runner.cleanup()
        ended = await asyncio.to_thread(app.stop)
    return ended


async def _serve(app: App, listen: str) -> GuardedRunner:
    file = app.config.settings.web_config
    web_config = _checked(file) if file else None
    context = tls.ServerTls(web_config).context if web_config and _encrypted(web_config) else None
    host, port = parse_listen(listen)
    return await serve(make_web_app(app, web_config), host=host, port=port, ssl_context=context)


def _checked(file: Path) -> WebConfigFile:
    tls.check(file)
    return WebConfigFile(file)


def _encrypted(web_config: WebConfigFile) -> bool:
    return web_config.last_good().tls_server_config.enabled


def _handle_signals(app: App, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_or_exit(stop))
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, _reload, app))


def _stop_or_exit(stop: asyncio.Event) -> Callable[[], None]:
    """The first signal drains, a second one ends the process at once."""

    def handle() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    return handle


def _reload(app: App) -> None:
    try:
        app.reload()
    except ConfigError as error:
        log.error("configuration not reloaded, the one before goes on: %s", error)  # noqa: TRY400 - it says it all


def _urls(app: App, runner: GuardedRunner) -> list[str]:
    file = app.config.settings.web_config
    scheme = "https" if file and _encrypted(WebConfigFile(file)) else "http"
    hosts = [(f"[{address[0]}]" if ":" in address[0] else address[0], address[1]) for address in runner.addresses]
    return [f"{scheme}://{host}:{port}" for host, port in hosts]

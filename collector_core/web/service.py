"""The long-running program: an app, its web server and the signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from collector_core.config.redactor import Redactor
from collector_core.config.settings import parse_listen
from collector_core.engine.app import App
from collector_core.engine.process_metrics import max_open_files
from collector_core.errors import ConfigError
from collector_core.plugins.attempts import Attempts
from collector_core.polling.own_thread import start_thread
from collector_core.web.acceptor import Acceptors
from collector_core.web.answers import Answers
from collector_core.web.front import Front
from collector_core.web.known_hosts import KnownHosts
from collector_core.web.limits import Limits
from collector_core.web.listeners import bind
from collector_core.web.loop_guard import LoopGuard
from collector_core.web.plain_requests import PlainRequests, all_paths, probe_paths
from collector_core.web.reloads import Reloads
from collector_core.web.sd_notify import Notifier
from collector_core.web.signals import Signals

if TYPE_CHECKING:
    from collector_core.web.application import Site
    from collector_core.web.server import LimitedRunner

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that the others wait for plugins that hang at the start; these join when they are ready
DRAIN_SECONDS = 1.0  # at the end, for requests in progress; with what follows less than the 4.4 s of `Signals`
COLLECTORS_STOP_SECONDS = 1.5  # outputs and the history take up to 1.5 s more
MAX_PROBES = 32  # connections at once
LONGEST_TURN = 0.001  # seconds that a busy thread keeps the interpreter from others; with Python's 0.005 scrapes wait
SETTLED_SECONDS = 5.0  # what is there by then stays for good: the garbage collector need not look at it again


async def run(config: Path | None, listen: str | None, *, root: Path | None, redactor: Redactor, demo: bool) -> bool:
    """Collect and serve until SIGTERM or SIGINT; returns whether every collector's thread has ended.

    It serves before any plugin is loaded; collectors join as they are ready. Raises `ConfigError` when the
    configuration or the web configuration is bad and `StartupError` when the address cannot be had, or when two
    collectors offer the same path.
    """
    sys.setswitchinterval(LONGEST_TURN)
    service = _Service(config, root=root, redactor=redactor, demo=demo)
    return await service.run(listen)


class Server(Protocol):
    """What listens on an address."""

    async def cleanup(self) -> None:
        """Stop within the drain timeout of its limits."""


class _Service:
    def __init__(self, config: Path | None, *, root: Path | None, redactor: Redactor, demo: bool) -> None:
        self._notifier = Notifier()
        self._reloads = Reloads(self._reload)
        attempts = Attempts(PATIENCE, self._reloads.request)
        self._app = App(config, root=root, redactor=redactor, demo=demo, keeps_history=True, attempts=attempts)
        self._site: Site | None = None
        self._making_site = threading.Lock()
        self._guard = LoopGuard(asyncio.get_running_loop(), self._app.count_loop_stall)
        self._stop = asyncio.Event()

    async def run(self, listen: str | None) -> bool:
        """As the function below the class."""
        app, loop = self._app, asyncio.get_running_loop()
        Signals(lambda: loop.call_soon_threadsafe(self._stop.set), self._reloads.request).watch()
        app.load_settings()
        servers = [await self._serve(listen or app.config.settings.listen)]
        if app.config.settings.probe_listen:
            servers.append(await self._serve_probes(app.config.settings.probe_listen))
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
            await asyncio.gather(*(server.cleanup() for server in servers))
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
        app = self._app
        app.load()
        routing = [runner.instance.type for runner in app.runners.values() if runner.hooks.offers_routes]
        if self._site or app.plugins.paths_may_clash(routing):
            self._whole_site().settle()

    def _whole_site(self) -> Site:
        """All that aiohttp serves, made when somebody needs it. On any thread but the event loop's."""
        with self._making_site:
            if self._site is None:
                from collector_core.web.application import Site  # noqa: PLC0415 - aiohttp is large

                self._site = Site(self._app, self._reloads)
                self._app.watch(self._guard)  # until now only the front was on the loop, where nothing can wait
            return self._site

    async def _loaded_site(self) -> Site:
        return await asyncio.wrap_future(start_thread("web", self._whole_site))

    async def _serve(self, listen: str) -> Server:
        host, port = parse_listen(listen)
        limits = affordable_limits()
        if file := self._app.config.settings.web_config:
            return await self._serve_protected(host, port, file, limits)

        async def load() -> LimitedRunner:
            return await (await self._loaded_site()).set_up(limits)

        hosts = KnownHosts(self._app.config.settings.allowed_hosts)
        front = Front(PlainRequests(all_paths(Answers(self._app)), hosts), limits, load)
        front.listen(await bind(host, port))
        log.info("listening on %s", _urls("http", front.acceptors))
        return front

    async def _serve_protected(self, host: str, port: int, file: Path, limits: Limits) -> Server:
        from collector_core.web.protection import Protection  # noqa: PLC0415 - most do without, and it costs 2 MiB

        protection = Protection(file)
        context = protection.context_source(self._app.show_certificate_expiry)
        site = await self._loaded_site()
        runner = await site.serve_protected(host, port, protection, context, limits)
        log.info("listening on %s", _urls("https" if context else "http", runner.acceptors))
        return runner

    async def _serve_probes(self, listen: str) -> Server:
        limits = Limits(max_connections=MAX_PROBES)

        async def load() -> LimitedRunner:
            return await (await self._loaded_site()).set_up_probes(limits)

        front = Front(PlainRequests(probe_paths(Answers(self._app)), None), limits, load)
        front.listen(await bind(*parse_listen(listen)))
        addresses = front.acceptors.addresses
        log.info("health checks are answered on %s", ", ".join(map(_authority, addresses)))
        return front

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


def affordable_limits() -> Limits:
    """The limits of the service: half of the files that the process may have open are the collectors'."""
    most = min(Limits.max_connections, (max_open_files() or inf) / 2)
    return Limits(drain_timeout=DRAIN_SECONDS, max_connections=int(most))


def _urls(scheme: str, acceptors: Acceptors) -> str:
    return ", ".join(f"{scheme}://{_authority(address)}" for address in acceptors.addresses)


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

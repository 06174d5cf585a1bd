"""The long-running program: an app, its web server and the signals."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from collector_core.config.redactor import Redactor
from collector_core.config.settings import parse_listen
from collector_core.engine.app import App
from collector_core.engine.process_metrics import max_open_files
from collector_core.errors import ConfigError
from collector_core.plugins.attempts import Attempts
from collector_core.polling.own_thread import start_thread
from collector_core.web.acceptor import Acceptors
from collector_core.web.answers import Answers
from collector_core.web.event_loop import EventLoop
from collector_core.web.front import Front, Successor
from collector_core.web.known_hosts import KnownHosts
from collector_core.web.limits import Limits
from collector_core.web.listeners import bind
from collector_core.web.plain_requests import PlainRequests, all_paths, probe_paths
from collector_core.web.reloads import Reloads
from collector_core.web.sd_notify import Notifier
from collector_core.web.signals import Signals

if TYPE_CHECKING:
    from collector_core.web.aiohttp_side import AiohttpSide

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that the others wait for plugins that hang at the start; these join when they are ready
DRAIN_SECONDS = 1.0  # at the end, for requests in progress; with what follows less than the 4.4 s of `Signals`
COLLECTORS_STOP_SECONDS = 1.5  # outputs and the history take up to 1.5 s more
MAX_PROBES = 32  # connections at once
LONGEST_TURN = 0.001  # seconds that a busy thread keeps the interpreter from others; with Python's 0.005 scrapes wait
SETTLED_SECONDS = 5.0  # what is there by then stays for good: the garbage collector need not look at it again


def run(config: Path | None, listen: str | None, *, root: Path | None, redactor: Redactor, demo: bool) -> bool:
    """Collect and serve until SIGTERM or SIGINT; returns whether every collector's thread has ended.

    It serves before any plugin is loaded; collectors join as they are ready. Raises `ConfigError` when the
    configuration or the web configuration is bad and `StartupError` when the address cannot be had, or when two
    collectors offer the same path.
    """
    sys.setswitchinterval(LONGEST_TURN)
    service = _Service(config, root=root, redactor=redactor, demo=demo)
    return service.run(listen)


class _Service:
    def __init__(self, config: Path | None, *, root: Path | None, redactor: Redactor, demo: bool) -> None:
        self._notifier = Notifier()
        self._reloads = Reloads(self._reload)
        attempts = Attempts(PATIENCE, self._reloads.request)
        self._app = App(config, root=root, redactor=redactor, demo=demo, keeps_history=True, attempts=attempts)
        self._loop = EventLoop()
        self._fronts: list[Front] = []
        self._aiohttp: AiohttpSide | None = None
        self._making_aiohttp = threading.Lock()
        self._ends = False

    def run(self, listen: str | None) -> bool:
        """As the function above the class."""
        app, loop = self._app, self._loop
        Signals(lambda: loop.call_soon_threadsafe(self._end), self._reloads.request).watch()
        app.load_settings()
        self._listen(listen)
        app.start()
        loop.call_later(SETTLED_SECONDS, gc.freeze)
        try:
            self._load()
            loop.run_until(lambda: self._ends)
        finally:
            log.info("stopping")
            self._notifier.stopping()
            self._close()
            ended = app.stop(COLLECTORS_STOP_SECONDS)
        return ended

    def _end(self) -> None:
        self._ends = True

    def _listen(self, listen: str | None) -> None:
        settings = self._app.config.settings
        try:
            self._serve(listen or settings.listen)
            if settings.probe_listen:
                self._serve_probes(settings.probe_listen)
        except BaseException:
            self._close()
            raise

    def _load(self) -> None:
        """Load what collects, unless the program is to stop meanwhile; raises what is wrong with the configuration."""
        loading = start_thread("start", self._load_collectors)
        loading.add_done_callback(lambda _: self._loop.call_soon_threadsafe(loading.done))  # wakes it up
        self._loop.run_until(lambda: self._ends or loading.done())
        if loading.done():
            loading.result()
            log.info("%d collectors run", len(self._app.runners))
            self._notifier.ready(_status(self._app))
            self._show_signs_of_life()

    def _load_collectors(self) -> None:
        app = self._app
        app.load()
        routing = [runner.instance.type for runner in app.runners.values() if runner.hooks.offers_routes]
        if self._aiohttp or app.plugins.paths_may_clash(routing):
            self._aiohttp_side().site.settle()

    def _aiohttp_side(self) -> AiohttpSide:
        """All that aiohttp serves, made when somebody needs it. On any thread but the event loops'."""
        with self._making_aiohttp:
            if self._aiohttp is None:
                from collector_core.web.aiohttp_side import AiohttpSide  # noqa: PLC0415 - aiohttp is large

                self._aiohttp = AiohttpSide(self._app, self._reloads)
            return self._aiohttp

    def _show_signs_of_life(self) -> None:
        """Tell systemd's watchdog that we live, through both loops, while the collectors' watchdog turns too."""
        notifier = self._notifier
        if interval := notifier.watchdog_interval:
            if self._app.watchdog.alive:
                self._aiohttp.call_soon(notifier.alive) if self._aiohttp else notifier.alive()
            self._loop.call_later(interval, self._show_signs_of_life)

    def _serve(self, listen: str) -> None:
        host, port = parse_listen(listen)
        limits = affordable_limits()
        if file := self._app.config.settings.web_config:
            self._serve_protected(host, port, file, limits)
            return

        def load() -> Successor:
            side = self._aiohttp_side()
            return side.successor(side.site.set_up(limits))

        hosts = KnownHosts(self._app.config.settings.allowed_hosts)
        acceptors = self._serve_front(host, port, PlainRequests(all_paths(Answers(self._app)), hosts), limits, load)
        log.info("listening on %s", _urls("http", acceptors))

    def _serve_protected(self, host: str, port: int, file: Path, limits: Limits) -> None:
        from collector_core.web.protection import Protection  # noqa: PLC0415 - most do without, and it costs 2 MiB

        protection = Protection(file)
        context = protection.context_source(self._app.show_certificate_expiry)
        side = self._aiohttp_side()
        runner = side.start(side.site.serve_protected(host, port, protection, context, limits))
        log.info("listening on %s", _urls("https" if context else "http", runner.acceptors))

    def _serve_probes(self, listen: str) -> None:
        limits = Limits(max_connections=MAX_PROBES)

        def load() -> Successor:
            side = self._aiohttp_side()
            return side.successor(side.site.set_up_probes(limits))

        requests = PlainRequests(probe_paths(Answers(self._app)), None)
        acceptors = self._serve_front(*parse_listen(listen), requests, limits, load)
        log.info("health checks are answered on %s", ", ".join(map(_authority, acceptors.addresses)))

    def _serve_front(
        self, host: str, port: int, requests: PlainRequests, limits: Limits, load: Callable[[], Successor]
    ) -> Acceptors:
        front = Front(requests, limits, self._loop, load)
        front.listen(bind(host, port))
        self._fronts.append(front)
        return front.acceptors

    def _close(self) -> None:
        """Let answers be sent that are under way, on both loops, and close everything."""
        for front in self._fronts:
            front.begin_to_close()
        closing = start_thread("web", self._aiohttp.close) if self._aiohttp else None
        self._loop.run_until(lambda: all(front.is_empty for front in self._fronts), self._loop.time() + DRAIN_SECONDS)
        for front in self._fronts:
            front.close()
        if closing:
            closing.result()

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


def _status(app: App) -> str:
    return f"{len(app.runners)} collectors run"

"""Channels that write: to standard output, and to a file of JSON lines. What blocks there blocks nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable, Iterable

from collector_core import Reason
from collector_plugins.alerts.alert import rfc3339
from collector_plugins.alerts.channeloptions import LogOptions
from collector_plugins.alerts.delivery import Undelivered
from collector_plugins.alerts.notification import Notification, entry, lines


class Console:
    """Lines on standard output."""

    def __init__(self) -> None:
        self._aside = _Aside()

    async def send(self, message: Notification) -> None:
        """Deliver it; raises `Undelivered`."""
        text = "\n".join([f"{rfc3339(message.created_at)} {next(lines(message))}", *list(lines(message))[1:]])
        await self._aside.run(lambda: _print(text))


class LogFile:
    """A file of JSON lines, one for each alert; a new one begins when it is full."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._aside = _Aside()

    async def send(self, message: Notification) -> None:
        """Deliver it; raises `Undelivered`."""
        time = rfc3339(message.created_at)
        about = {"time": time, "notification": message.id, "headline": message.headline, "omitted": message.omitted}
        texts = [json.dumps(about | entry(alert), ensure_ascii=False) for alert in message.alerts]
        await self._aside.run(lambda: self._write(texts))

    def _write(self, texts: Iterable[str]) -> None:
        path = self._options.path.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        size, backups = self._options.max_bytes, self._options.backups
        handler = _Raising(
            path, maxBytes=size, backupCount=backups, encoding="utf-8"
        )  # opened each time, so that it may be moved away
        try:
            for text in texts:
                handler.emit(logging.makeLogRecord({"msg": text}))
        finally:
            handler.close()


class _Raising(logging.handlers.RotatingFileHandler):
    """Says when it fails, instead of writing that to standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record
        raise  # noqa: PLE0704 - called while the error is handled


class _Aside:
    """A thread for each call, and never two at once: where one hangs, nobody waits for it, not even the exit."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], None]) -> None:
        """Wait for it; raises `Undelivered` where it fails or an earlier one still hangs."""
        if self._thread and self._thread.is_alive():
            raise Undelivered(
                Reason.TIMEOUT, "an earlier line is still being written", fix="look at its disk or reader"
            )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def call() -> None:
            error: OSError | ValueError | None = None
            try:
                work()
            except (OSError, ValueError) as caught:
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(_settle, done, error)

        self._thread = threading.Thread(target=call, name="alerts-write", daemon=True)
        self._thread.start()
        try:
            await done
        except (OSError, ValueError) as error:
            detail = f"cannot be written: {getattr(error, 'strerror', None) or type(error).__name__}"
            raise Undelivered(Reason.PERMISSION, detail, fix="name another file, or make room") from None


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # nobody waits any more
    if error:
        done.set_exception(error)
    else:
        done.set_result(None)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

"""Channels that write: to standard output, and to a file of JSON lines. A write that blocks holds up nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable, Iterable

from collector_core import NotAvailable, Reason
from collector_plugins.alerts.alert import format_rfc3339
from collector_plugins.alerts.channel_options import LogOptions
from collector_plugins.alerts.notification import Notification, alert_payload, text_lines


class ConsoleChannel:
    """Lines on standard output."""

    def __init__(self) -> None:
        self._writer = _Writer()

    async def send(self, message: Notification) -> None:
        """Write the message; raises `NotAvailable`."""
        text = "\n".join(text_lines(message))
        await self._writer.run(lambda: _print(f"{format_rfc3339(message.created_at)} {text}"))


class LogFileChannel:
    """A file of JSON lines, one per alert, that is rotated when it is full."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._writer = _Writer()

    async def send(self, message: Notification) -> None:
        """Append the message; raises `NotAvailable`."""
        time = format_rfc3339(message.created_at)
        about = {"time": time, "notification": message.id, "headline": message.headline, "omitted": message.omitted}
        lines = [json.dumps(about | alert_payload(alert), ensure_ascii=False) for alert in message.alerts]
        await self._writer.run(lambda: self._append(lines))

    def _append(self, lines: Iterable[str]) -> None:
        """Open the file anew each time, so that it may be moved away."""
        path = self._options.path.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        size, backups = self._options.max_bytes, self._options.backups
        handler = _RaisingHandler(path, maxBytes=size, backupCount=backups, encoding="utf-8")
        with contextlib.closing(handler):
            for line in lines:
                handler.emit(logging.makeLogRecord({"msg": line}))


class _RaisingHandler(logging.handlers.RotatingFileHandler):
    """Raises what fails, instead of printing it to standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record
        raise  # noqa: PLE0704 - called while the error is handled


class _Writer:
    """Runs one piece of blocking work at a time on a daemon thread: if it hangs, nobody waits for it, not even exit."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], None]) -> None:
        """Wait until the work is done; raises `NotAvailable` if it fails or earlier work still hangs."""
        if self._thread and self._thread.is_alive():
            fix = "check the disk, or whatever reads the output"
            raise NotAvailable(Reason.TIMEOUT, "an earlier message is still being written", fix=fix)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._thread = threading.Thread(target=_work_on, args=(work, done), name="alerts-write", daemon=True)
        self._thread.start()
        try:
            await done
        except (OSError, ValueError) as error:
            detail = f"cannot be written: {getattr(error, 'strerror', None) or type(error).__name__}"
            raise NotAvailable(Reason.PERMISSION, detail, fix="name another file, or free some space") from None


def _work_on(work: Callable[[], None], done: asyncio.Future[None]) -> None:
    error: Exception | None = None
    try:
        work()
    except Exception as caught:  # noqa: BLE001 - it is raised again where the work is awaited
        error = caught
    with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
        done.get_loop().call_soon_threadsafe(_settle, done, error)


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

"""Channels that write: to standard output, and to a file of JSON lines. A write that blocks holds up nothing else."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import sys
from collections.abc import Callable, Iterable

from collector_core import NotAvailable, Reason
from collector_plugins.alerts.alert import format_rfc3339
from collector_plugins.alerts.channel_options import LogOptions
from collector_plugins.alerts.daemon_work import DaemonWorker
from collector_plugins.alerts.notification import Notification, alert_payload, text_lines


class ConsoleChannel:
    """Lines on standard output."""

    def __init__(self) -> None:
        self._worker = DaemonWorker()

    async def send(self, message: Notification) -> None:
        """Write the message; raises `NotAvailable`."""
        text = "\n".join(text_lines(message))
        await _write(self._worker, lambda: _print(f"{format_rfc3339(message.created_at)} {text}"))


class LogFileChannel:
    """A file of JSON lines, one per alert, that is rotated when it is full."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._worker = DaemonWorker()

    async def send(self, message: Notification) -> None:
        """Append the message; raises `NotAvailable`."""
        time = format_rfc3339(message.created_at)
        about = {"time": time, "notification": message.id, "headline": message.headline, "omitted": message.omitted}
        lines = [json.dumps(about | alert_payload(alert), ensure_ascii=False) for alert in message.alerts]
        await _write(self._worker, lambda: self._append(lines))

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


async def _write(worker: DaemonWorker, work: Callable[[], None]) -> None:
    """Do the work; raises `NotAvailable` if it fails or earlier work still hangs."""
    try:
        await worker.run(work)
    except (OSError, ValueError) as error:
        detail = f"cannot be written: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise NotAvailable(Reason.PERMISSION, detail, fix="name another file, or free some space") from None


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

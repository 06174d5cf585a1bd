"""Log lines: text or JSON on stderr, without secrets and without floods."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Literal

from collector_core.config.redactor import Redactor
from collector_core.errors import visible

LogFormat = Literal["text", "json"]

FLOOD_LINES = 50  # per logger and window
CAUSES = 500  # of faults, per logger and window; what a collector logs itself takes nothing from them
FLOOD_WINDOW = 10.0  # seconds
LINES_WAITING = 2000  # until stderr takes them
DRAIN_SECONDS = 0.3


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00Z WARNING collector.rapl: …`, further lines indented: none can be forged."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._redact = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets and control characters."""
        return visible(self._redact(super().format(record))).replace("\n", "\n  ")


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message and, where there is one, traceback."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redact = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets and control characters."""
        import json  # noqa: PLC0415 - most lines are text

        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": visible(self._redact(record.getMessage())),
        }
        if record.exc_info:
            entry["traceback"] = visible(self._redact(self.formatException(record.exc_info)))
        return json.dumps(entry, ensure_ascii=False)


class LogThread(threading.Thread):
    """Writes queued lines to a file descriptor; one that stalls holds up this thread alone."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="log", daemon=True)
        self._descriptor = descriptor
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(LINES_WAITING)
        self._lost = 0

    def put(self, line: str) -> None:
        """Have a line written; it is lost where too many wait. Never blocks."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def drain(self, seconds: float) -> None:
        """Wait until all is written that was put so far, but no longer than `seconds`."""
        written = threading.Event()
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(written)
            written.wait(seconds)

    def run(self) -> None:
        """Write for as long as the process lives."""
        while True:
            line = self._lines.get()
            if isinstance(line, threading.Event):
                line.set()
                continue
            self._write(f"{line}\n")
            if self._lost:
                lost, self._lost = self._lost, 0
                self._write(f"{lost} log lines are lost: whoever reads stderr is too slow\n")

    def _write(self, text: str) -> None:
        left = text.encode(errors="backslashreplace")
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                time.sleep(0.05)  # somebody made the pipe non-blocking
            except OSError:
                return  # a full disk or a closed pipe


class BackgroundHandler(logging.Handler):
    """Hands lines to a `LogThread`, so that logging never blocks a thread that serves."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._thread = LogThread(descriptor)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Format the record here, write it elsewhere."""
        try:
            self._thread.put(self.format(record))
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)

    def flush(self) -> None:
        """Wait a moment for the lines that are not written yet."""
        self._thread.drain(DRAIN_SECONDS)


class FloodGate(logging.Filter):
    """Lets each logger write `FLOOD_LINES` lines per `FLOOD_WINDOW`, then says once that it holds back the rest.

    The framework's own lines about faults are counted apart: a flood does not hide why a collector has no data.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, bool], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        is_cause = getattr(record, "is_cause", False) is True
        most = CAUSES if is_cause else FLOOD_LINES
        lines = self._count((record.name, is_cause))
        if lines == most:
            record.msg, record.args = f"more than {most} lines in {FLOOD_WINDOW:g} s: the rest is left out", ()
            record.exc_info = None
        return lines <= most

    def _count(self, key: tuple[str, bool]) -> int:
        """How many lines of this kind were written in the present window."""
        with self._lock:
            now = time.monotonic()
            start, lines = self._windows.get(key, (now, 0))
            if now - start > FLOOD_WINDOW:
                start, lines = now, 0
            self._windows[key] = (start, lines + 1)
            return lines


def configure(level: str, log_format: LogFormat, redactor: Redactor, *, in_background: bool = False) -> None:
    """Send all logs to stderr, without what `redactor` hides.

    A full disk or a closed pipe behind stderr loses lines and nothing else. `in_background` a reader that stalls does
    so, too; for programs that keep running, because lines may come later than what is written otherwise.
    """
    handler = BackgroundHandler(sys.stderr.fileno()) if in_background else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redactor) if log_format == "json" else TextFormatter(redactor))
    handler.addFilter(FloodGate())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False
    logging.getLogger("asyncio").setLevel(logging.WARNING)

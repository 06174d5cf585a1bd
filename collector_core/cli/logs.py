"""Log lines: text or JSON on stderr, without secrets and without floods."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Literal

from collector_core.config.secrets import Redactor

LogFormat = Literal["text", "json"]

FLOOD_LINES = 50  # per logger and window
CAUSES = 500  # of faults, per logger and window; what a collector logs itself takes nothing from them
FLOOD_WINDOW = 10.0  # seconds


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00Z WARNING collector.rapl: …`, one line per record but for tracebacks."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._redact = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        return self._redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message and, where there is one, traceback."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redact = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


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


def configure(level: str, log_format: LogFormat, redactor: Redactor) -> None:
    """Send all logs to stderr, without what `redactor` hides.

    A full disk or a closed pipe behind stderr loses lines and nothing else.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redactor) if log_format == "json" else TextFormatter(redactor))
    handler.addFilter(FloodGate())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False
    logging.getLogger("asyncio").setLevel(logging.WARNING)

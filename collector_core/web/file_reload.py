"""Values built from files, built anew when a file changes: looked at on use, so nothing polls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from collector_core.errors import ConfigError, Problem
from collector_core.web import web_config
from collector_core.web.web_config import WebConfig

CHECK_INTERVAL = 1.0
"""Seconds between two looks at the files."""

Signature = tuple[int, int, int] | None

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


def signature(file: Path) -> Signature:
    """What changes when a file is written or replaced: its mtime in ns, size and inode; None if it is not there."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def signatures(files: Iterable[Path]) -> tuple[Signature, ...]:
    """The signature of each file."""
    return tuple(map(signature, files))


class Reloaded(Generic[_T]):
    """The last good value of `build()`, called again when `state()` has changed.

    `state()` is asked at most once per `interval` seconds. A failure is logged once and kept in `problems`;
    the value then stays what it was. Not thread-safe: use it on one event loop. Raises `ConfigError` at once
    when the first build fails.
    """

    def __init__(self, what: str, build: Callable[[], _T], state: Callable[[], object], interval: float) -> None:
        self._what = what
        self._build = build
        self._state = state
        self._interval = interval
        self._next_look = time.monotonic() + interval
        self._built_from = state()
        self._value = build()
        self.problems: tuple[Problem, ...] = ()

    def last_good(self) -> _T:
        """The newest value that could be built."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._interval
            # The state comes before the build: what changes in between is seen by the next look.
            self._rebuild(self._state())
        return self._value

    def _rebuild(self, state: object) -> None:
        if state == self._built_from:
            return
        self._built_from = state
        try:
            self._value = self._build()
        except ConfigError as error:
            self.problems = error.problems
            _logger.error("%s changed and cannot be used: %s", self._what, error)  # noqa: TRY400 - names the place
        else:
            self.problems = ()
            _logger.info("%s changed and was reloaded", self._what)


class WebConfigFile:
    """A web configuration file that may change while the service runs. Raises `ConfigError` if it is wrong now."""

    def __init__(self, file: Path, *, check_interval: float = CHECK_INTERVAL) -> None:
        self.file = file
        self.check_interval = check_interval
        self._reloaded = Reloaded(
            "web configuration", lambda: web_config.load(file), lambda: signature(file), check_interval
        )

    def current(self) -> WebConfig:
        """What the file says; raises `ConfigError` while it cannot be used."""
        config = self._reloaded.last_good()
        if self._reloaded.problems:
            raise ConfigError(self._reloaded.problems)
        return config

    def last_good(self) -> WebConfig:
        """What the file said when it was last usable."""
        return self._reloaded.last_good()

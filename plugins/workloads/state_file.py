"""Keeps the counters on disk, so that they go on after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from collector_core import Context, FaultLog
from collector_core.storage import (
    FileLock,
    StorageError,
    StorageReason,
    parse_document,
    read_bounded,
    set_aside,
    write_atomically,
)

FILE = "state.json"
IN_USE = "another process keeps its counters there; those of this one are lost when it ends"
FIX = "stop one of them, or give this one another $XDG_STATE_HOME"
SYNC_SECONDS = 60.0
LOCK_SECONDS = 1.0  # that whoever kept the counters before has to end, such as the same collector before a reload
BYTES_PER_SECOND = 50_000  # that are written at most: 0.1 % of what a slow processor turns into JSON
_MOST_BYTES = 64 << 20
_VERSION = 1


class StateFile:
    """`state.json` in the collector's folder; a file that cannot be used is set aside and said once.

    It is written at every run, less often where it is large, so that no counter falls when this process is killed; and
    once a minute so that it survives a power failure. One process at a time writes it: the counters of a second one go
    on from what it finds, and are kept once the first has ended.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._faults = FaultLog(ctx.logger)
        self._synced_at = self._next_at = ctx.clock.monotonic()
        self._is_loaded = False
        self._lock: FileLock | None = None

    def load(self, restore: Callable[[dict[str, Any]], None]) -> None:
        """Hand what was saved to `restore`, once; it raises `ValueError`, `TypeError` or `KeyError` to refuse it."""
        if self._is_loaded or not self._ctx.keeps_running:
            return
        self._is_loaded = True
        is_ours = False
        with suppress(OSError, StorageError):  # it is said when it cannot be written, either
            self._claim(LOCK_SECONDS)
            is_ours = True
        try:
            restore(_parse(read_bounded(self._path(), _MOST_BYTES)))
        except FileNotFoundError:
            return
        except OSError as error:
            self._faults.record_failure("state", error)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._faults.record_failure("state", error)
            if is_ours:
                self._set_aside()

    def save(self, state: Callable[[], dict[str, Any]], *, is_last: bool = False) -> None:
        """Write the state if it is time to, and at the end; a disk that refuses it costs no run."""
        now = self._ctx.clock.monotonic()
        is_due = is_last or now >= self._next_at
        if not (is_due and self._is_loaded and self._ctx.keeps_running):
            return
        try:
            self._claim()
            self._write(state, now, is_durable=is_last or now - self._synced_at >= SYNC_SECONDS)
        except (OSError, ValueError, StorageError) as error:
            self._faults.record_failure("state", error)
        else:
            self._faults.record_success("state")
        if is_last and self._lock is not None:
            self._lock.release()

    def _write(self, state: Callable[[], dict[str, Any]], now: float, *, is_durable: bool) -> None:
        self._synced_at = now if is_durable else self._synced_at
        text = json.dumps({"version": _VERSION, **state()})
        self._next_at = now + min(SYNC_SECONDS, len(text) / BYTES_PER_SECOND)
        write_atomically(self._path(), text, durable=is_durable)

    def _claim(self, wait_seconds: float = 0.0) -> None:
        """Lock out all others that would write; raises `StorageError` where another one does, and `OSError`."""
        if self._lock is None:
            self._lock = FileLock(self._path().with_name(f"{FILE}.lock"))
        if not self._lock.acquire(shared=False, wait_seconds=wait_seconds):
            raise StorageError(self._path(), StorageReason.LOCKED, IN_USE, fix=FIX)

    def _path(self) -> Path:
        return self._ctx.state_dir / FILE

    def _set_aside(self) -> None:
        try:
            set_aside(self._path())
        except OSError as error:
            self._faults.record_failure("state", error)


def _parse(content: bytes) -> dict[str, Any]:
    state = parse_document(content)
    if state.get("version") != _VERSION:
        raise ValueError("the saved state is of another version")
    return state

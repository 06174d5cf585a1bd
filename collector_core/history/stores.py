"""Which store keeps the history."""

from __future__ import annotations

from pathlib import Path

from collector_core.errors import NotAvailable, Reason
from collector_core.history.embedded import EmbeddedStore
from collector_core.history.interface import HistoryStore, LiveStore
from collector_core.history.options import HistoryOptions
from collector_core.history.schema import FILE


def live_store(options: HistoryOptions) -> LiveStore:
    """What the service writes to; nothing is opened yet."""
    return EmbeddedStore(options)


def command_store(options: HistoryOptions, *, read_only: bool = False) -> HistoryStore:
    """What a command works on; with `read_only` beside a process that writes. Nothing is opened yet."""
    if read_only:
        check_folder(options.folder)
    return EmbeddedStore(options, read_only=read_only)


def check_folder(folder: Path) -> None:
    """Raise `NotAvailable` where a folder has no store."""
    if not (folder / FILE).exists():
        raise NotAvailable(Reason.NOT_FOUND, f"there is no history in {folder}")

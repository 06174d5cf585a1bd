"""Which store keeps the history."""

from __future__ import annotations

from collections.abc import Callable

from collector_core.errors import NotAvailable, Reason
from collector_core.history.interface import HistoryStore, LiveStore
from collector_core.history.options import HistoryOptions
from collector_core.model.clock import Clock

DESCRIBING_SECONDS = 10.0


def live_store(options: HistoryOptions, clock: Clock, told: Callable[[], None]) -> LiveStore:
    """What the service writes to; nothing is opened yet. `told` is called where it should be looked after."""
    if options.is_embedded:
        from collector_core.history.embedded import EmbeddedStore  # noqa: PLC0415 - one of both

        return EmbeddedStore(options)
    from collector_core.history.postgres.queued import QueuedStore  # noqa: PLC0415

    return QueuedStore(options, clock, told)


def command_store(options: HistoryOptions, *, read_only: bool = False) -> HistoryStore:
    """What a command works on; with `read_only` beside a process that writes. Nothing is opened yet."""
    if options.is_embedded:
        from collector_core.history.embedded import EmbeddedStore  # noqa: PLC0415 - one of both

        if read_only:
            check_folder(options)
        return EmbeddedStore(options, read_only=read_only)
    from collector_core.history.postgres.commands import CommandStore  # noqa: PLC0415

    return CommandStore(options, read_only=read_only)


def describe_store(options: HistoryOptions) -> str:
    """Where a database keeps the history and how, nothing for files; raises `NotAvailable` where it cannot."""
    if options.is_embedded:
        return ""
    from collector_core.history.postgres.checks import describe  # noqa: PLC0415
    from collector_core.history.postgres.reader import PostgresReader  # noqa: PLC0415

    reader = PostgresReader(options, timeout=DESCRIBING_SECONDS)
    try:
        return describe(reader)
    finally:
        reader.close()


def check_folder(options: HistoryOptions) -> None:
    """Raise `NotAvailable` where a store in a folder is not there yet; a full disk leaves an empty file."""
    from collector_core.history.schema import FILE  # noqa: PLC0415 - of the embedded store

    file = options.folder / FILE
    if options.is_embedded and not (file.exists() and file.stat().st_size):
        detail = f"there is no history in {options.folder}"
        raise NotAvailable(Reason.NOT_FOUND, detail, fix="let the collector run for some time")

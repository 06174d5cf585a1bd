"""What is deleted: what is older than its tier is kept for, and the oldest of what takes too much space."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from collector_core.history.interface import DELETED, EVER, SUMMED, TIER
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR

PARTS = 20  # of a tier, one of which goes at a time
TARGET = 0.9  # of the space that is allowed, so that not every reading deletes another
INDEX_BYTES = 32_768  # of SQLite's write-ahead log, as long as that is open
_PAGES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_FREE = "SELECT freelist_count * page_size FROM pragma_freelist_count(), pragma_page_size()"


def delete_old(store: Store, now: int, keep: Mapping[int, int], retention: int) -> int:
    """Delete what is older than its tier is kept for; `keep` by step, that of readings is 0. All in milliseconds.

    Returns when the next block will be too old, of those that there are.
    """
    with store.changing() as connection:
        for step in (0, *store.steps):
            before = now - min(keep.get(step, retention), retention)
            _delete(store, connection, step, before)
        stale = [step for (step,) in connection.execute("SELECT DISTINCT step FROM summaries") if step not in keep]
        for step in stale:  # a tier that the configuration no longer names
            _delete(store, connection, step, now - retention)
        connection.execute("DELETE FROM events WHERE time < ?", (now - max(retention, *keep.values()),))
        store.remove_unused(connection)
    give_back(store)
    oldest = store.database.rows(
        "SELECT 0, min(end) FROM blocks UNION ALL SELECT step, min(end) FROM summaries GROUP BY 1"
    )
    due = [end + min(keep.get(step, retention), retention) for step, end in oldest if end is not None]
    return min(due, default=EVER) + 1


def delete_excess(store: Store, max_bytes: int) -> None:
    """Delete until the files take at most `max_bytes`: each time the oldest part of the tier that takes the most."""
    if store.size <= max_bytes:
        return
    give_back(store)
    for file in _corrupt_files(store.folder):
        if store.size > max_bytes:
            file.unlink(missing_ok=True)
    while _live_bytes(store) > max_bytes * TARGET and (largest := _largest(store)):
        with store.changing() as connection:
            deleted = _delete(store, connection, *largest)
            store.remove_unused(connection)
        if not deleted:  # what is left was read just now
            break
    give_back(store)


def give_back(store: Store) -> None:
    """Give the space of what was deleted back to the file system."""
    store.database.execute("PRAGMA incremental_vacuum")
    store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete(store: Store, connection: sqlite3.Connection, step: int, before: int) -> int:
    """Delete the blocks of a tier that end before a time; returns how many there were."""
    if step:
        deleted = store.summaries.delete(connection, step, before)
        if deleted and step in store.tiers:
            store.set_mark(connection, f"{TIER}{step}", max(before, store.tiers[step]))
        return deleted
    before = min(before, store.mark(SUMMED) or before)
    deleted = store.blocks.delete(connection, before)
    if deleted:
        store.set_mark(connection, DELETED, max(before, store.mark(DELETED)))
    return deleted


def _largest(store: Store) -> tuple[int, int] | None:
    """The tier that takes the most space, and the time before which to delete a part of it; None: all are empty."""
    sizes = store.database.rows(
        "SELECT sum(length(data)), 0, min(end), max(end) FROM blocks "
        "UNION ALL SELECT sum(length(data)), step, min(end), max(end) FROM summaries GROUP BY step"
    )
    _, step, first, last = max(sizes, key=lambda row: row[0] or 0)
    return None if first is None else (step, first + max((last - first) // PARTS, HOUR))


def _live_bytes(store: Store) -> int:
    """What the files take once free pages are given back, with the index of the log."""
    ((pages,),), ((free,),) = store.database.rows(_PAGES), store.database.rows(_FREE)
    others = sum(file.stat().st_size for file in _corrupt_files(store.folder))
    return int(pages - free) + others + INDEX_BYTES


def _corrupt_files(folder: Path) -> Sequence[Path]:
    """Files that were set aside, the oldest first."""
    return sorted(folder.glob("*.corrupt-*"), key=lambda file: file.name.rpartition(".corrupt-")[2])

"""What is deleted: what is older than its tier is kept for, and the oldest of what takes too much space."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from collector_core.history.blocks import DAY
from collector_core.history.store import DELETED, Store
from collector_core.history.tiers import HOUR

TARGET = 0.9  # of the space that is allowed, so that not every reading deletes another
_PAGES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_FREE = "SELECT freelist_count * page_size FROM pragma_freelist_count(), pragma_page_size()"


def delete_old(store: Store, now: int, keep: Mapping[int, int], retention: int) -> None:
    """Delete what is older than its tier is kept for; `keep` by step, that of readings is 0. All in milliseconds."""
    with store.changing() as connection:
        for step in (0, *store.steps):
            before = now - min(keep.get(step, retention), retention)
            _delete(store, connection, step, before)
        stale = [step for (step,) in connection.execute("SELECT DISTINCT step FROM summaries") if step not in keep]
        for step in stale:  # a tier that the configuration no longer names
            _delete(store, connection, step, now - retention)
        connection.execute("DELETE FROM events WHERE time < ?", (now - max(retention, *keep.values()),))
        store.remove_unused_times(connection)
    give_back(store)


def delete_excess(store: Store, max_bytes: int) -> None:
    """Delete the oldest until the files take at most `max_bytes`: readings first, then the finest tier, and so on."""
    if store.size <= max_bytes:
        return
    give_back(store)
    for file in _corrupt_files(store.folder):
        if store.size > max_bytes:
            file.unlink(missing_ok=True)
    for step, before in _oldest_first(store):
        if _live_bytes(store) <= max_bytes * TARGET:
            break
        with store.changing() as connection:
            _delete(store, connection, step, before)
            store.remove_unused_times(connection)
    give_back(store)


def give_back(store: Store) -> None:
    """Give the space of what was deleted back to the file system."""
    store.database.execute("PRAGMA incremental_vacuum")
    store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete(store: Store, connection: sqlite3.Connection, step: int, before: int) -> None:
    """Delete the blocks of a tier that end before a time."""
    if step:
        connection.execute("DELETE FROM summaries WHERE step = ? AND end < ?", (step, before))
        return
    before = min(before, store.mark("summed") or before)
    deleted = connection.execute("DELETE FROM blocks WHERE end < ?", (before,)).rowcount
    if deleted:
        store.set_mark(connection, DELETED, max(before, store.mark(DELETED)))


def _oldest_first(store: Store) -> Iterator[tuple[int, int]]:
    """Steps, and the times before which to delete: a part of each tier at a time."""
    for step in (0, *store.steps):
        table, where = ("summaries", f"WHERE step = {step}") if step else ("blocks", "")
        ((start, end),) = store.database.rows(f"SELECT min(start), max(end) FROM {table} {where}")  # noqa: S608
        if start is not None:
            part = max((end - start) // 20, HOUR) if step else min(max((end - start) // 20, HOUR), DAY)
            yield from ((step, before) for before in range(start + part, end + part + 1, part))


def _live_bytes(store: Store) -> int:
    """What the files take once free pages are given back."""
    ((pages,),), ((free,),) = store.database.rows(_PAGES), store.database.rows(_FREE)
    others = sum(file.stat().st_size for file in _corrupt_files(store.folder))
    return int(pages - free) + others


def _corrupt_files(folder: Path) -> Sequence[Path]:
    """Files that were set aside, the oldest first."""
    return sorted(folder.glob("*.corrupt-*"), key=lambda file: file.name.rpartition(".corrupt-")[2])

"""What is deleted: what is older than its tier is kept for, and the oldest of what takes too much space."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_core.history.interface import DELETED, EVER, SUMMED, TIER
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR, floor_to

PARTS = 20  # of a tier, one of which goes at a time
TARGET = 0.95  # of the space that is allowed, so that not every reading deletes another
CUT_AT_ONCE = 40  # blocks, so that a transaction takes little time
SPARED = 0.05  # of that space: where whole blocks have more too much, they are cut
INDEX_BYTES = 32_768  # of SQLite's write-ahead log, as long as that is open
_PAGES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_FREE = "SELECT freelist_count * page_size FROM pragma_freelist_count(), pragma_page_size()"


class TierPart(NamedTuple):
    """The blocks of a tier, of readings where `step` is 0, that end before `end`; `size` is what they take."""

    step: int
    start: int
    end: int
    size: int

    def shortened(self, size: float) -> TierPart:
        """The older part of it that takes about so much, up to a whole hour."""
        end = self.start + (self.end - self.start) * size / self.size
        return TierPart(self.step, self.start, -floor_to(-round(end), max(HOUR, self.step)), round(size))


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


def delete_some(store: Store, target: float) -> bool:
    """Delete a little of what the files take beyond `target` bytes; returns whether there may be more.

    What goes first is the oldest part of the tier that takes the most. Each call is one transaction, of little work.
    """
    for file in _corrupt_files(store.folder):
        if store.size > target:
            file.unlink(missing_ok=True)
    excess = _live_bytes(store) - target
    deleted = _delete_oldest(store, excess, SPARED * target) if excess > 0 else 0
    give_back(store)
    return deleted > 0


def give_back(store: Store) -> None:
    """Give the space of what was deleted back to the file system."""
    store.database.execute("PRAGMA incremental_vacuum")
    store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete_oldest(store: Store, excess: float, spared: float) -> int:
    """Delete the oldest part of the largest tier, or of that what is too much; returns how many blocks that changed."""
    oldest = _oldest_part(store)
    if oldest is None:
        return 0
    with store.changing() as connection:
        changed = _cut(store, connection, oldest.step, _mark(store, oldest.step))  # where the last call left off
        if not changed and oldest.size > excess + spared:
            part = oldest.shortened(excess)
            changed = _delete(store, connection, part.step, part.end) + _cut(store, connection, part.step, part.end)
        elif not changed:
            changed = _delete(store, connection, oldest.step, oldest.end)
        store.remove_unused(connection)
    return changed


def _delete(store: Store, connection: sqlite3.Connection, step: int, before: int) -> int:
    """Delete the blocks of a tier that end before a time; returns how many there were."""
    if step:
        changed = store.summaries.delete(connection, step, before)
    else:
        before = min(before, store.mark(SUMMED) or before)
        changed = store.blocks.delete(connection, before)
    if changed:
        _set_mark(store, connection, step, before)
    return changed


def _cut(store: Store, connection: sqlite3.Connection, step: int, before: int) -> int:
    """Shorten blocks of a tier that a time is inside of by what is before it, some at a time; returns how many."""
    if step:
        changed = store.summaries.cut(connection, step, before, CUT_AT_ONCE)
    else:
        before = min(before, store.mark(SUMMED) or before)
        changed = store.blocks.cut(connection, before, CUT_AT_ONCE)
    if changed:
        _set_mark(store, connection, step, before)
    return changed


def _mark(store: Store, step: int) -> int:
    """Before which time there may be nothing any more of a tier."""
    return store.tiers.get(step, 0) if step else store.mark(DELETED)


def _set_mark(store: Store, connection: sqlite3.Connection, step: int, before: int) -> None:
    if not step or step in store.tiers:
        store.set_mark(connection, f"{TIER}{step}" if step else DELETED, max(before, _mark(store, step)))


def _oldest_part(store: Store) -> TierPart | None:
    """The oldest part of the tier that takes the most space; None: all are empty."""
    sizes = store.database.rows(
        "SELECT sum(length(data)), 0, min(start), min(end), max(end) FROM blocks "
        "UNION ALL SELECT sum(length(data)), step, min(start), min(end), max(end) FROM summaries GROUP BY step"
    )
    _, step, start, first, last = max(sizes, key=lambda row: row[0] or 0)
    if first is None:
        return None
    end = first + max((last - first) // PARTS, HOUR)
    where = "summaries WHERE step = ? AND end < ?" if step else "blocks WHERE ? = 0 AND end < ?"
    ((size,),) = store.database.rows(f"SELECT sum(length(data)) FROM {where}", (step, end))  # noqa: S608
    return TierPart(step, start, end, size or 0)


def _live_bytes(store: Store) -> int:
    """What the files take once free pages are given back, with the index of the log."""
    ((pages,),), ((free,),) = store.database.rows(_PAGES), store.database.rows(_FREE)
    others = sum(file.stat().st_size for file in _corrupt_files(store.folder))
    return int(pages - free) + others + INDEX_BYTES


def _corrupt_files(folder: Path) -> Sequence[Path]:
    """Files that were set aside, the oldest first."""
    return sorted(folder.glob("*.corrupt-*"), key=lambda file: file.name.rpartition(".corrupt-")[2])

"""What people do with a store: check it, copy it, remove series from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from collector_core.history.catalogue import labels_only_of
from collector_core.history.retention import give_back
from collector_core.history.schema import FILE
from collector_core.history.store import Store
from collector_core.model.selector import Selector
from collector_core.storage.atomic_file import private_folder


def problems(store: Store) -> list[str]:
    """What is wrong with the file, and with each block in it; raises `StorageError` where it cannot be opened."""
    found = [text for (text,) in store.database.rows("PRAGMA integrity_check") if text != "ok"]
    return found or store.damaged()


def back_up(store: Store, folder: Path) -> Path:
    """Copy a store, while it is written, to a folder that can be used as one; raises `StorageError` and `OSError`."""
    private_folder(folder)
    if (folder / FILE).exists():
        raise FileExistsError(f"{folder / FILE} exists already")
    store.database.backup(folder / FILE)
    return folder / FILE


def delete_series(store: Store, selector: Selector, now: int) -> list[str]:
    """Delete series for good, with what events say of them and files that were set aside; returns their texts.

    The file is written anew, so that nothing of their labels is left in it.
    """
    store.seal(now)
    gone = store.catalogue.select(selector)
    with store.changing() as connection:
        for number, _ in gone:
            store.delete(connection, number)
            connection.execute("DELETE FROM series WHERE id = ?", (number,))
        store.catalogue.load()
        _delete_events(connection, labels_only_of((kept for _, kept in gone), (kept for _, kept in store.catalogue)))
        store.remove_unused(connection)
    for file in store.folder.glob("*.corrupt-*"):
        file.unlink()
    store.database.execute("VACUUM")
    give_back(store)
    return [kept.series.text for _, kept in gone]


def _delete_events(connection: sqlite3.Connection, texts: Iterable[str]) -> None:
    for text in texts:
        escaped = json.dumps(text)[1:-1]
        connection.execute("DELETE FROM events WHERE instr(text, ?) OR instr(text, ?)", (text, escaped))

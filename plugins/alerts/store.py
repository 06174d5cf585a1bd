"""What survives a restart: alerts, what each channel was notified of, and the queues, in one SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from collector_core.storage import Database, Schema, StorageError, StorageReason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStates
from collector_plugins.alerts.grouping import NotificationLog
from collector_plugins.alerts.notification import Notification

if TYPE_CHECKING:
    from sqlite3 import Connection

BUSY_SECONDS = 1.0
IN_MEMORY = Database.IN_MEMORY

_TABLES = (
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL,
                                          body TEXT NOT NULL)""",
)


@dataclass
class AlertsState:
    """All of it; `synced` holds the alerts that each Alertmanager knows of, or has yet to be told of, by channel."""

    rules: AlertStates = field(default_factory=AlertStates)
    channels: dict[str, NotificationLog] = field(default_factory=dict)
    synced: dict[str, dict[str, Alert]] = field(default_factory=dict)


_STATE = TypeAdapter(AlertsState)
_NOTIFICATION = TypeAdapter(Notification)
_QUEUED = "SELECT body FROM queue ORDER BY seq"


class AlertStore:
    """One file; every change of it is whole or not at all, whatever ends the process. `IN_MEMORY` keeps nothing.

    One process at a time may write it; with `read_only` it is read beside that. All methods but `close` raise
    `StorageError`.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        schema = Schema([_TABLES], salvage=("state", "queue"), check=_check)
        self._database = Database(
            file, schema, wal=False, exclusive=True, read_only=read_only, busy_seconds=BUSY_SECONDS
        )  # without a log it opens on a full disk, too: then above all somebody must be notified
        self._database.open()

    @property
    def set_aside(self) -> Path | None:
        """Where a broken file went, None where it was sound."""
        return self._database.set_aside

    def load(self) -> AlertsState:
        """What was saved last; nothing where there is nothing."""
        rows = self._database.rows("SELECT body FROM state WHERE name = 'all'")
        try:
            return _STATE.validate_json(rows[0][0]) if rows else AlertsState()
        except ValueError as error:
            raise StorageError(self._database.path, StorageReason.CORRUPT, str(error)) from error

    def queued(self) -> list[Notification]:
        """What waits for delivery, the oldest first."""
        return [_NOTIFICATION.validate_json(body) for (body,) in self._database.rows(_QUEUED)]

    def save(self, state: AlertsState, new: Iterable[Notification], gone: Iterable[str]) -> None:
        """Keep the state, with what is new in the queues and without the ids that are gone, in one transaction."""
        body = _STATE.dump_json(state).decode()
        rows = [(each.id, each.channel, _NOTIFICATION.dump_json(each).decode()) for each in new]
        with self._database.transaction() as db:
            if db.execute("SELECT body FROM state WHERE name = 'all'").fetchone() != (body,):
                db.execute("INSERT OR REPLACE INTO state VALUES ('all', ?)", (body,))
            db.executemany("INSERT OR IGNORE INTO queue (id, channel, body) VALUES (?, ?, ?)", rows)
            db.executemany("DELETE FROM queue WHERE id = ?", [(each,) for each in gone])

    def remove(self, id: str) -> None:
        """Take a notification out of the queue."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM queue WHERE id = ?", (id,))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _check(db: Connection) -> None:
    """Raises `ValueError` where a state or a notification is not one."""
    for (body,) in db.execute("SELECT body FROM state"):
        _STATE.validate_json(body)
    for (body,) in db.execute(_QUEUED):
        _NOTIFICATION.validate_json(body)


def by_channel(queued: Iterable[Notification]) -> Mapping[str, list[Notification]]:
    """Notifications by the channel that they wait for."""
    found: dict[str, list[Notification]] = {}
    for each in queued:
        found.setdefault(each.channel, []).append(each)
    return found


def state_file(folder: Path, collector: str) -> Path:
    """The file of one collector."""
    return folder / f"{collector}.sqlite3"

"""What survives a restart: alerts, what each channel was notified of, and the queues, in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from collector_core import NotAvailable, Reason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStates
from collector_plugins.alerts.grouping import NotificationLog
from collector_plugins.alerts.notification import Notification

SCHEMA = 1
FOLDER_MODE = 0o700
FILE_MODE = 0o600
BUSY_SECONDS = 1.0
IN_MEMORY = Path(":memory:")

_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL,
                                  body TEXT NOT NULL);
"""


@dataclass
class AlertsState:
    """All of it; `synced` holds the alerts that each Alertmanager knows of, or has yet to be told of, by channel."""

    rules: AlertStates = field(default_factory=AlertStates)
    channels: dict[str, NotificationLog] = field(default_factory=dict)
    synced: dict[str, dict[str, Alert]] = field(default_factory=dict)


_STATE = TypeAdapter(AlertsState)
_NOTIFICATION = TypeAdapter(Notification)


class AlertStore:
    """One file; every change of it is whole or not at all, whatever ends the process. `IN_MEMORY` keeps nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = ""
        self._db = self._opened()

    def load(self) -> AlertsState:
        """What was saved last; nothing where there is nothing."""
        row = self._db.execute("SELECT body FROM state WHERE name = 'all'").fetchone()
        self._last = row[0] if row else ""
        return _STATE.validate_json(self._last) if row else AlertsState()

    def queued(self) -> list[Notification]:
        """What waits for delivery, the oldest first."""
        rows = self._db.execute("SELECT body FROM queue ORDER BY seq").fetchall()
        return [_NOTIFICATION.validate_json(body) for (body,) in rows]

    def save(self, state: AlertsState, new: Iterable[Notification], gone: Iterable[str]) -> None:
        """Keep the state, with what is new in the queues and without the ids that are gone, in one transaction."""
        body, new, gone = _STATE.dump_json(state).decode(), list(new), list(gone)
        if body == self._last and not new and not gone:
            return
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('all', ?)", (body,))
            rows = [(each.id, each.channel, _NOTIFICATION.dump_json(each).decode()) for each in new]
            self._db.executemany("INSERT OR IGNORE INTO queue (id, channel, body) VALUES (?, ?, ?)", rows)
            self._db.executemany("DELETE FROM queue WHERE id = ?", [(each,) for each in gone])
        self._last = body

    def remove(self, id: str) -> None:
        """Take a notification out of the queue."""
        with self._db:
            self._db.execute("DELETE FROM queue WHERE id = ?", (id,))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _opened(self) -> sqlite3.Connection:
        """The file, sound and ours; one that is neither is set aside. Raises `NotAvailable`."""
        try:
            return self._connect()
        except (sqlite3.DatabaseError, ValidationError) as error:
            if isinstance(error, sqlite3.OperationalError):
                raise self._refused(str(error)) from None
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from None
        with suppress(OSError):
            self._file.replace(self._file.with_name(f"{self._file.name}.corrupt"))
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self._file != IN_MEMORY:
            self._file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, FILE_MODE))
            self._file.chmod(FILE_MODE)
        db = sqlite3.connect(self._file, timeout=BUSY_SECONDS)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA:
            detail = f"{self._file} was written by a newer energy-collector"
            raise NotAvailable(
                Reason.NOT_SUPPORTED, detail, fix="upgrade energy-collector, or name another `state_dir`"
            )
        if version < SCHEMA:  # a full disk is no reason not to read what is there
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
            db.commit()
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        for (body,) in db.execute("SELECT body FROM state"):
            _STATE.validate_json(body)
        for (body,) in db.execute("SELECT body FROM queue"):
            _NOTIFICATION.validate_json(body)

    def _refused(self, why: str) -> NotAvailable:
        fix = f"make it writable, or name another `state_dir`: chmod -R u+rwX {self._file.parent}"
        return NotAvailable(Reason.PERMISSION, f"{self._file} cannot be used: {why}", fix=fix)


def by_channel(queued: Iterable[Notification]) -> Mapping[str, list[Notification]]:
    """Notifications by the channel that they wait for."""
    found: dict[str, list[Notification]] = {}
    for each in queued:
        found.setdefault(each.channel, []).append(each)
    return found


def state_file(folder: Path, collector: str) -> Path:
    """The file of one collector."""
    return folder / f"{collector}.sqlite3"

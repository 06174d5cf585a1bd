"""What survives a restart: alerts, what each channel was notified of, and the queues, in one SQLite file.

Every alert and every entry of a log is a row of its own, so that a damaged one costs no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from collector_core.storage import Database, Schema, StorageError, StorageReason, count_set_aside
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStates, TrackedAlert
from collector_plugins.alerts.grouping import NotificationLog, NotifiedAlert
from collector_plugins.alerts.notification import Notification

BUSY_SECONDS = 1.0  # how long a process waits for another one that has the file
_UNWRITABLE = (StorageReason.DISK_FULL, StorageReason.READ_ONLY)
Row = tuple[str, str, str, str]  # kind, channel, key, JSON

_FIRST = (
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL, "
    "body TEXT NOT NULL)",
)
_VALID_STATE = "(SELECT CASE WHEN json_valid(body) THEN body ELSE '{}' END AS body FROM state WHERE name = 'all')"
_ROWS_OF_STATE = (
    "CREATE TABLE records (kind TEXT NOT NULL, channel TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, "
    "UNIQUE (kind, channel, key))",
    *(
        f"INSERT OR IGNORE INTO records SELECT '{kind}', '', each.key, each.value "  # noqa: S608 - words of ours
        f"FROM {_VALID_STATE} AS state, json_each(state.body, '$.rules.{part}') AS each"
        for kind, part in (("alert", "entries"), ("starts", "starts"))
    ),
    *(
        f"INSERT OR IGNORE INTO records SELECT '{kind}', channel.key, each.key, each.value "  # noqa: S608
        f"FROM {_VALID_STATE} AS state, json_each(state.body, '$.{section}') AS channel, "
        f"json_each(state.body, channel.fullkey || '{part}') AS each"
        for kind, section, part in (
            ("notified", "channels", ".told"),
            ("group", "channels", ".groups"),
            ("known", "synced", ""),
        )
    ),
    "DROP TABLE state",
)
SCHEMA = Schema(migrations=(_FIRST, _ROWS_OF_STATE), salvage=("records", "queue"))


@dataclass
class SavedState:
    """All but the queues; `known` holds, by channel, the alerts that an Alertmanager knows of or has yet to be sent."""

    alerts: AlertStates = field(default_factory=AlertStates)
    logs: dict[str, NotificationLog] = field(default_factory=dict)
    known: dict[str, dict[str, Alert]] = field(default_factory=dict)


_TRACKED: TypeAdapter[TrackedAlert] = TypeAdapter(TrackedAlert)
_TIMES: TypeAdapter[list[float]] = TypeAdapter(list[float])
_NOTIFIED: TypeAdapter[NotifiedAlert] = TypeAdapter(NotifiedAlert)
_TIME: TypeAdapter[float] = TypeAdapter(float)
_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
_NOTIFICATION: TypeAdapter[Notification] = TypeAdapter(Notification)


class AlertStore:
    """One file, for one process that writes; every change is whole or not at all. Methods raise `StorageError`.

    `damaged` counts the rows that could not be read; they are gone with the next save.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        exclusive = not read_only and file != Database.IN_MEMORY
        # Without a write-ahead log, what is there can be read even when the disk is full.
        self._database = Database(
            file, SCHEMA, wal=False, exclusive=exclusive, read_only=read_only, busy_seconds=BUSY_SECONDS
        )
        self.damaged = 0
        self._is_read_only = read_only
        self._saved: Sequence[Row] | None = None
        self._unreadable: list[int] = []

    @property
    def set_aside(self) -> Path | None:
        """Where a broken file now is."""
        return self._database.set_aside

    @property
    def corrupt_files(self) -> int:
        """How many broken files lie beside this one."""
        path = self._database.path
        return 0 if path == Database.IN_MEMORY else count_set_aside(path)

    def load_state(self) -> SavedState:
        """What was saved last, as far as it can be read."""
        state = SavedState()
        for row in self._rows("SELECT kind, channel, key, body FROM records ORDER BY rowid"):
            try:
                _add_row(state, *row)
            except ValueError:
                self.damaged += 1
        return state

    def load_queues(self) -> dict[str, list[Notification]]:
        """What waits for delivery by channel, the oldest first; what cannot be read is left out."""
        queues = defaultdict[str, list[Notification]](list)
        for place, body in self._rows("SELECT seq, body FROM queue ORDER BY seq"):
            try:
                message = _NOTIFICATION.validate_json(body)
            except ValueError:
                self.damaged += 1
                self._unreadable.append(place)
            else:
                queues[message.channel].append(message)
        return queues

    def save(self, state: SavedState, new: Iterable[Notification], done: Iterable[str]) -> None:
        """Write the state, add new notifications to the queues and take out those that are done, by their ids."""
        rows, new, done = list(_rows_of(state)), list(new), list(done)
        if rows == self._saved and not (new or done or self._unreadable):
            return
        self._saved = None  # what a failed transaction leaves is written whole the next time
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM records")
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)
            messages = [(each.id, each.channel, _NOTIFICATION.dump_json(each).decode()) for each in new]
            connection.executemany("INSERT OR IGNORE INTO queue (id, channel, body) VALUES (?, ?, ?)", messages)
            connection.executemany("DELETE FROM queue WHERE id = ?", [(each,) for each in done])
            connection.executemany("DELETE FROM queue WHERE seq = ?", [(each,) for each in self._unreadable])
        self._saved, self._unreadable = rows, []

    def remove_message(self, id: str) -> None:
        """Take a notification out of its queue."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM queue WHERE id = ?", (id,))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """What was saved, also where nothing can be written now: whoever saves hears of that."""
        try:
            return self._database.rows(query)
        except StorageError as error:
            if self._is_read_only or error.storage_reason not in _UNWRITABLE:
                raise
        return [] if self._is_missing else self._rows_beside(query)

    @property
    def _is_missing(self) -> bool:
        """Whether nothing was ever saved; a full disk leaves an empty file."""
        try:
            return self._database.path.stat().st_size == 0
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def _rows_beside(self, query: str) -> list[tuple[Any, ...]]:
        """The same without the right to write, as on a disk that is mounted for reading only."""
        beside = Database(self._database.path, SCHEMA, wal=False, read_only=True, busy_seconds=BUSY_SECONDS)
        try:
            return beside.rows(query)
        finally:
            beside.close()


def state_file(folder: Path, collector: str) -> Path:
    """The file of one collector."""
    return folder / f"{collector}.sqlite3"


def _add_row(state: SavedState, kind: str, channel: str, key: str, body: str) -> None:
    """Raises `ValueError` for what cannot be read."""
    match kind:
        case "alert":
            state.alerts.tracked[key] = _TRACKED.validate_json(body)
        case "starts":
            state.alerts.recent_starts[key] = _TIMES.validate_json(body)
        case "notified":
            state.logs.setdefault(channel, NotificationLog()).notified[key] = _NOTIFIED.validate_json(body)
        case "group":
            state.logs.setdefault(channel, NotificationLog()).last_sent[key] = _TIME.validate_json(body)
        case "known":
            state.known.setdefault(channel, {})[key] = _ALERT.validate_json(body)
        case _:
            raise ValueError(f"unknown kind {kind!r}")


def _rows_of(state: SavedState) -> Iterator[Row]:
    yield from _rows("alert", "", state.alerts.tracked, _TRACKED)
    yield from _rows("starts", "", state.alerts.recent_starts, _TIMES)
    for channel, log in state.logs.items():
        yield from _rows("notified", channel, log.notified, _NOTIFIED)
        yield from _rows("group", channel, log.last_sent, _TIME)
    for channel, known in state.known.items():
        yield from _rows("known", channel, known, _ALERT)


def _rows(kind: str, channel: str, values: Mapping[str, Any], kind_of_value: TypeAdapter[Any]) -> Iterator[Row]:
    return ((kind, channel, key, kind_of_value.dump_json(value).decode()) for key, value in values.items())

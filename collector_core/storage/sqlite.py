"""SQLite databases that recover by themselves and classify their errors."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

from collector_core.storage.atomic_file import FILE_MODE, AtomicFile, private_folder, set_aside
from collector_core.storage.connection import (
    BESIDE,
    IN_MEMORY,
    closed_on_error,
    connect,
    connect_to_look,
    connect_to_read,
    sqlite_reason,
    transaction,
)
from collector_core.storage.errors import StorageError, StorageReason, storage_errors
from collector_core.storage.file_lock import FileLock
from collector_core.storage.posix import NO_FOLLOW, PRIVATE, sync_folder
from collector_core.storage.schema import Schema, migrate, missing_from, salvage, stored_version

BUSY_SECONDS = 5.0
_IN_USE = "another process has it open"
_STATEMENTS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
_STAYS_OPEN = (StorageReason.DISK_FULL, StorageReason.LOCKED)


class Database:
    """A SQLite file that is opened on first use and reopened after errors. Not thread-safe.

    - A corrupt file is renamed to `NAME.corrupt-TIME` (see `set_aside`), and replaced by a new one with the rows that
      can still be read. A file with a newer schema is refused and left untouched.
    - `exclusive` locks out all other writers until this one is closed or its process exits; otherwise several may
      write. `read_only` opens the file beside a writer, and never creates, migrates or renames it.
    - `synchronous` is SQLite's setting: with `FULL`, committed transactions survive a power failure; with `NORMAL`, a
      crash of the process. `wal` enables write-ahead logging: faster, and readers do not block the writer. Without it,
      a file can be opened even if the disk is full.
    - `layout` are pragmas that only a new file takes: `page_size = 1024`, `auto_vacuum = INCREMENTAL`.
    - The path `Database.IN_MEMORY` stores nothing.
    - `set_aside` is where a corrupt file was moved to when it was opened last, None if it was sound.
    - `connections` is how often it was opened: another number means that another file may be in the place of the one
      that was read before.

    All methods except `close` raise `StorageError`, and may be called again: they succeed once the cause is gone.
    Statements that violate a constraint raise the exceptions of `sqlite3`.
    """

    IN_MEMORY: ClassVar = IN_MEMORY

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        wal: bool = True,
        layout: Sequence[str] = (),
        exclusive: bool = False,
        read_only: bool = False,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self.connections = 0
        self._schema = schema
        self._pragmas = [  # the layout first: whatever writes the file's header fixes it
            *(f"PRAGMA {each}" for each in layout),
            f"PRAGMA synchronous = {synchronous}",
            *(["PRAGMA journal_mode = WAL"] if wal else []),
        ]
        self._exclusive = exclusive
        self._read_only = read_only
        self._busy_seconds = busy_seconds
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._unsalvaged: Path | None = None

    def open(self) -> None:
        """Open the file unless it is open; the other methods do so implicitly."""
        self._opened()

    @property
    def is_open(self) -> bool:
        """Whether it is connected; may be asked on any thread."""
        return self._connection is not None

    def close(self) -> None:
        """Close the file; may be called any number of times."""
        self._disconnect()
        self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block in a write transaction: commit at the end, roll back if it raises."""
        connection = self._opened()
        with self._explained(), transaction(connection):
            yield connection

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query."""
        connection = self._opened()
        with self._explained():
            return connection.execute(query, parameters).fetchall()

    def execute(self, statement: str) -> None:
        """Run a statement outside of a transaction: `VACUUM`, or a `PRAGMA`."""
        connection = self._opened()
        with self._explained():
            connection.executescript(statement)  # all steps of it: a vacuum frees one page a step

    def check(self) -> None:
        """Read all of the file anew, as a process that opens it would: what is in memory here may hide damage.

        A file that turns out to be corrupt is set aside when it is opened next.
        """
        self._opened()
        try:
            with self._explained(), closing(connect_to_read(self.path, busy_seconds=self._busy_seconds)) as fresh:
                self._check_schema(fresh)
                self._check_pages(fresh)
        except StorageError as error:
            if error.storage_reason is not StorageReason.CORRUPT:
                raise
            self._disconnect()
            said = error.detail.removeprefix(f"{self.path}: ")
            detail = f"it was damaged while it was open, and is corrupt: {said}"
            raise StorageError(self.path, error.storage_reason, detail, fix="check its disk") from error

    def backup(self, target: Path) -> None:
        """Write a consistent copy to `target` atomically, while others may write."""
        connection = self._opened()
        with (
            storage_errors(target),
            self._explained(f"copy to {target}: "),
            AtomicFile(target) as file,
            closing(connect(file.temporary)) as copy,
        ):
            copy.execute("PRAGMA journal_mode = OFF")
            connection.backup(copy)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._connection.in_transaction or self._identity == _identity(self.path):
                return self._connection  # a transaction ends in the file in which it began
            self.close()  # it was moved or deleted, and maybe its lock file, too
        try:
            with storage_errors(self.path), self._explained():
                self._connection = self._connect()
        except BaseException:
            self.close()
            raise
        self._identity = _identity(self.path)
        self.connections += 1
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        self.set_aside = None
        if self._read_only:
            return self._readable()
        if self.path == IN_MEMORY:
            return self._prepared()
        private_folder(self.path.parent)
        _make_private(self.path)
        is_alone = self._take_lock()
        with closed_on_error(self._sound(is_alone)) as connection:
            self._salvage(connection)
            if is_alone and not self._exclusive:
                self._share_lock()
        return connection

    def _take_lock(self) -> bool:
        """Returns whether this is the only writer."""
        if self._lock.acquire(shared=False, wait_seconds=self._busy_seconds if self._exclusive else 0.0):
            return True
        if self._exclusive:
            raise self._error(StorageReason.LOCKED, _IN_USE)
        self._share_lock()
        return False

    def _share_lock(self) -> None:
        if not self._lock.acquire(shared=True, wait_seconds=self._busy_seconds):
            raise self._error(StorageReason.LOCKED, _IN_USE)

    def _sound(self, is_alone: bool) -> sqlite3.Connection:
        """Connect to the file, or to a new one if it is corrupt and this is the only writer."""
        try:
            self._refuse_newer()
            return self._prepared()
        except (StorageError, sqlite3.DatabaseError) as error:
            if not is_alone or _reason(error) is not StorageReason.CORRUPT:
                raise
        self.set_aside = self._unsalvaged = set_aside(self.path, with_suffixes=BESIDE)
        _make_private(self.path)
        return self._prepared()

    def _refuse_newer(self) -> None:
        """Check the version without writing: even closing a read-write connection writes."""
        refused = sqlite3.OperationalError  # only a writer can recover the file, and checks again
        with suppress(refused), closing(connect_to_look(self.path)) as connection:
            self._check_schema(connection)

    def _prepared(self) -> sqlite3.Connection:
        """Connect, check and migrate."""
        with closed_on_error(connect(self.path, busy_seconds=self._busy_seconds)) as connection:
            self._check_schema(connection)
            self._check_pages(connection)
            for pragma in self._pragmas:
                connection.execute(pragma)
            self._migrate(connection)
            self._check_content(connection)
        return connection

    def _readable(self) -> sqlite3.Connection:
        """Connect read-only; the schema must be current."""
        with closed_on_error(connect_to_read(self.path, busy_seconds=self._busy_seconds)) as connection:
            self._check_schema(connection)
            version, known = stored_version(connection), self._schema.version
            if version < known:
                raise self._error(
                    StorageReason.READ_ONLY, f"it has schema {version} and must be migrated to {known} first"
                )
            self._check_tables(connection)
        return connection

    def _salvage(self, connection: sqlite3.Connection) -> None:
        """Copy what can be read from the corrupt file, unless that has been done."""
        if self._unsalvaged:
            salvage(self._unsalvaged, connection, self._schema)
            self._unsalvaged = None

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        """Let SQLite parse the schema, and refuse a newer version."""
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        except UnicodeDecodeError as error:  # the message quotes the damage
            raise self._error(StorageReason.CORRUPT, "malformed database schema") from error
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a damaged header
                raise self._error(StorageReason.CORRUPT, str(error)) from error
            raise
        version, known = stored_version(connection), self._schema.version
        if version < 0:
            raise self._error(StorageReason.CORRUPT, f"it has schema {version}")
        if version > known:
            detail = f"it has schema {version}, this energy-collector supports {known}"
            raise self._error(StorageReason.NEWER_SCHEMA, detail)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the schema up to date; a file that lacks what its version has is corrupt, whatever a migration says."""
        self._check_tables(connection)
        migrate(connection, self._schema)

    def _check_tables(self, connection: sqlite3.Connection) -> None:
        if missing := missing_from(connection, self._schema):
            raise self._error(StorageReason.CORRUPT, f"missing: {', '.join(missing)}")

    def _check_pages(self, connection: sqlite3.Connection) -> None:
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise self._error(StorageReason.CORRUPT, state)

    def _check_content(self, connection: sqlite3.Connection) -> None:
        try:
            if self._schema.check:
                self._schema.check(connection)
        except ValueError as error:
            raise self._error(StorageReason.CORRUPT, str(error)) from error

    def _error(self, reason: StorageReason, detail: str) -> StorageError:
        return StorageError(self.path, reason, detail)

    @contextmanager
    def _explained(self, doing: str = "") -> Iterator[None]:
        try:
            yield
        except _STATEMENTS:
            raise
        except sqlite3.Error as error:
            reason = sqlite_reason(error)
            if reason not in _STAYS_OPEN:
                self._disconnect()
            raise self._error(reason, f"{doing}{error}") from error


def _reason(error: StorageError | sqlite3.DatabaseError) -> StorageReason:
    return error.storage_reason if isinstance(error, StorageError) else sqlite_reason(error)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, to notice that the file was moved, deleted or replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> None:
    """Create an empty file with mode 0600; an existing one must be regular and writable. Raises `OSError`."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | PRIVATE, FILE_MODE))
        sync_folder(path.parent)
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path)) from None
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "it cannot be written", str(path)) from None
        with suppress(PermissionError):  # owned by another user who lets us write it
            path.chmod(FILE_MODE)

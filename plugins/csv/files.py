"""The files of one output: rows are appended, each once; a file begins when the one before is old or large enough."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import RawIOBase
from pathlib import Path

from collector_core.storage import shared_folder, storage_errors, write_atomically
from collector_plugins.csv.config import Config
from collector_plugins.csv.rows import HEADER, paged, plain

MODE = 0o644  # other programs read them
TIME = "%Y%m%dT%H%M%S.%fZ"


class Files:
    """Files `NAME-TIME.csv` in a folder; `now` is a function for seconds since 1970. Methods raise `StorageError`."""

    def __init__(self, config: Config, name: str, now: Callable[[], float]) -> None:
        self._config = config
        self._name = name
        self._now = now
        self._current: Path | None = None

    def check(self) -> None:
        """Raises unless files can be written."""
        with storage_errors(self._config.directory):
            shared_folder(self._config.directory)

    def append(self, rows: list[bytes], *, may_repeat: bool) -> None:
        """Add rows; with `may_repeat` only those that are not there yet."""
        with storage_errors(self._config.directory):
            shared_folder(self._config.directory)
            if may_repeat:
                there = self._last_rows(sum(map(len, rows)))
                rows = [row for row in rows if row not in there]
            if rows:
                _append(self._file_for(sum(map(len, rows))), rows)

    def all(self) -> list[Path]:
        """All files of this output, the oldest first."""
        return sorted(self._config.directory.glob(f"{self._name}-[0-9]*T[0-9]*Z.csv"))

    def _file_for(self, size: int) -> Path:
        """The file that rows go into: the last one, or a new one."""
        if self._current is None:
            self._current = self._last_file()
        path = self._current
        if path is None or not path.exists() or self._is_over(path, size):
            path = self._current = self._new_file()
        return path

    def _last_file(self) -> Path | None:
        found = self.all()
        if not found:
            return None
        _mend(found[-1])
        return found[-1]

    def _is_over(self, path: Path, size: int) -> bool:
        before = path.stat().st_size
        is_full = before > len(HEADER) and before + size > self._config.rotate_bytes
        return is_full or self._now() - _began(path).timestamp() >= self._config.rotate_every

    def _new_file(self) -> Path:
        """A file whose name comes after all others, also when somebody has set the clock back."""
        began = datetime.fromtimestamp(self._now(), UTC)
        if found := self.all():
            began = max(began, _began(found[-1]) + timedelta(microseconds=1))
        path = self._config.directory / f"{self._name}-{began.strftime(TIME)}.csv"
        write_atomically(path, HEADER, mode=MODE)
        if self._config.keep is not None:
            for old in self.all()[: -self._config.keep]:
                with suppress(OSError):
                    old.unlink()
        return path

    def _last_rows(self, size: int) -> set[bytes]:
        """The last rows of the last two files, as many as `size` bytes hold at least."""
        found: set[bytes] = set()
        for path in self.all()[-2:]:
            _mend(path)
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 4 * size - (1 << 16)))
                found.update(map(plain, file.read().splitlines(keepends=True)))
        return found


def _began(path: Path) -> datetime:
    return datetime.strptime(path.stem.rpartition("-")[2], TIME).replace(tzinfo=UTC)


def _append(path: Path, rows: list[bytes]) -> None:
    """Write rows so that none is ever seen in part; after an error the file is as before."""
    with path.open("ab", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            for piece in paged(rows, size):
                _write_whole(file, piece)
            os.fdatasync(file.fileno())
        except BaseException:
            os.ftruncate(file.fileno(), size)
            raise


def _write_whole(file: RawIOBase, piece: bytes) -> None:
    if file.write(piece) != len(piece):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _mend(path: Path) -> None:
    """Cut off a row that is there in part, which a power failure may leave."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - (1 << 20))
        file.seek(start)
        whole = start + file.read().rfind(b"\n") + 1
        if whole != end:
            file.truncate(whole)

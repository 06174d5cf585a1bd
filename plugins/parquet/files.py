"""The files of one output: written under another name, and renamed when they are whole."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector_core import NotAvailable, Reason
from collector_plugins.parquet.config import Config

Block = tuple[int, list[tuple[str, str]], list[float]]  # milliseconds; names and labels; values


class Files:
    """Files `NAME-TIME-NUMBER.parquet` in a folder. Methods raise `OSError` and `NotAvailable`."""

    def __init__(self, config: Config, name: str) -> None:
        self._config = config
        self._name = name

    def check(self) -> None:
        """Raises unless files can be written."""
        _pyarrow()
        self._config.directory.mkdir(parents=True, exist_ok=True)
        if not os.access(self._config.directory, os.W_OK | os.X_OK):
            raise NotAvailable(Reason.PERMISSION, f"{self._config.directory} cannot be written", fix="check its rights")

    def write(self, blocks: list[Block], number: int) -> None:
        """Write a file of all rows, unless it is there; `number` tells those apart that begin at the same time."""
        self.check()
        began = datetime.fromtimestamp(blocks[0][0] / 1000, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = self._config.directory / f"{self._name}-{began}-{number:08x}.parquet"
        if path.exists():
            return
        part = path.with_suffix(".part")
        _write(part, blocks)
        part.rename(path)
        _sync(path.parent)
        self._tidy()

    def _tidy(self) -> None:
        """Delete files that are too many, and what a crash has left."""
        folder, keep = self._config.directory, self._config.keep
        old = sorted(folder.glob(f"{self._name}-[0-9]*.parquet"))[:-keep] if keep is not None else []
        for path in [*old, *folder.glob(f"{self._name}-[0-9]*.part")]:
            with suppress(OSError):
                path.unlink()


def _write(path: Path, blocks: list[Block]) -> None:
    pyarrow, parquet = _pyarrow()
    times = [time for time, series, _ in blocks for _ in series]
    columns = {
        "timestamp": pyarrow.array(times, pyarrow.timestamp("ms", "UTC")),
        "name": pyarrow.array([name for _, series, _ in blocks for name, _ in series]),
        "labels": pyarrow.array([labels for _, series, _ in blocks for _, labels in series]),
        "value": pyarrow.array([value for _, _, values in blocks for value in values], pyarrow.float64()),
    }
    with path.open("wb") as file:
        parquet.write_table(pyarrow.table(columns), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - large, an extra, and only where files are written
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        fix = "pip install 'energy-collector[parquet]'"
        raise NotAvailable(Reason.NOT_SUPPORTED, "pyarrow is not installed", fix=fix) from None
    return pyarrow, parquet

"""The files of one output, each there only when it is whole."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector_core import NotAvailable, Reason
from collector_core.storage import shared_folder, storage_errors, write_atomically
from collector_plugins.parquet.config import Config

MODE = 0o644  # other programs read them
PART = ".part"  # what the name of a file that is not whole yet ends with
Block = tuple[int, list[tuple[str, str]], list[float]]  # milliseconds; names and labels; values


class Files:
    """Files `NAME-TIME-NUMBER.parquet` in a folder. Methods raise `NotAvailable`."""

    def __init__(self, config: Config, name: str) -> None:
        self._config = config
        self._name = name

    def check(self) -> None:
        """Raises unless files can be written."""
        _pyarrow()
        with storage_errors(self._config.directory):
            shared_folder(self._config.directory)

    def write(self, blocks: list[Block], number: int) -> None:
        """Write a file of all rows, unless it is there; `number` tells those apart that begin at the same time."""
        self.check()
        began = datetime.fromtimestamp(blocks[0][0] / 1000, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = self._config.directory / f"{self._name}-{began}-{number:08x}.parquet"
        if path.exists():
            return
        with storage_errors(self._config.directory):
            write_atomically(path, _encoded(blocks), mode=MODE, suffix=PART)
        if self._config.keep is not None:
            for old in self._all()[: -self._config.keep]:
                with suppress(OSError):
                    old.unlink()

    def _all(self) -> list[Path]:
        return sorted(self._config.directory.glob(f"{self._name}-[0-9]*.parquet"))


def _encoded(blocks: list[Block]) -> bytes:
    pyarrow, parquet = _pyarrow()
    times = [time for time, series, _ in blocks for _ in series]
    columns = {
        "timestamp": pyarrow.array(times, pyarrow.timestamp("ms", "UTC")),
        "name": pyarrow.array([name for _, series, _ in blocks for name, _ in series]),
        "labels": pyarrow.array([labels for _, series, _ in blocks for _, labels in series]),
        "value": pyarrow.array([value for _, _, values in blocks for value in values], pyarrow.float64()),
    }
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file, compression="zstd")
    return file.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - large, an extra, and only where files are written
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        fix = "pip install 'energy-collector[parquet]'"
        raise NotAvailable(Reason.NOT_SUPPORTED, "pyarrow is not installed", fix=fix) from None
    return pyarrow, parquet

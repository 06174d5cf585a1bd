"""An empty PostgreSQL database of a server that ends with its row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import MissingProgramError
from tests.postgres import Database, Server, binaries


@contextmanager
def database() -> Iterator[tuple[Database, Path]]:
    """The database and a temporary folder; raises `MissingProgramError` where there is no PostgreSQL."""
    programs = binaries()
    if programs is None:
        raise MissingProgramError("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="energy-collector-bench-") as folder:
        server = Server(Path(folder), programs)
        try:
            yield Database(server), Path(folder)
        finally:
            server.stop()

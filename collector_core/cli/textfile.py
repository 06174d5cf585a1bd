"""A file that its readers find whole: the old one or the new one."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MODE = 0o644
"""node_exporter runs as another user, and must be able to read it."""

LEFT_OVER_SECONDS = 3600.0
"""What a killed run left is removed once it is so old; a younger one may be another run's."""


def write_whole(path: Path, content: bytes) -> None:
    """Write beside `path` and rename; raises `OSError`, and then leaves what was there.

    The name it has meanwhile does not end in `.prom`, which is all that node_exporter looks for.
    """
    prefix, suffix = f".{path.name}.", ".new"
    _remove_leftovers(path.parent.glob(f"{prefix}*{suffix}"))
    descriptor, name = tempfile.mkstemp(suffix, prefix, path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, MODE)  # whatever the umask
            os.fsync(descriptor)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def _remove_leftovers(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - LEFT_OVER_SECONDS:
                file.unlink()

"""What providers have said, on disk: a restart asks nobody again before the quarter of an hour is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector_core.storage import read_bounded, write_atomically
from collector_plugins.grid.curve import Slot

MAX_BYTES = 4 << 20
Said = Mapping[str, Any]  # asked_at in seconds since 1970, currency, prices, carbon


class StateFile:
    """The file of an instance; one that cannot be read or written costs nothing but a request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Mapping[str, Said]:
        """By the key of the provider; nothing where there is no file, or a broken one."""
        try:
            said = json.loads(read_bounded(self._path, MAX_BYTES))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def save(self, said: Mapping[str, Said]) -> None:
        """Write all of it; raises `OSError`."""
        write_atomically(self._path, json.dumps(said), durable=False)


def slots_of(rows: Any) -> list[Slot]:
    """Slots as they were written; raises `TypeError` and `ValueError`."""
    return [Slot(float(start), float(end), float(value)) for start, end, value in rows]

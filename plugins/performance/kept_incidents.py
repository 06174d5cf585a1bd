"""Anomalies in a file, so that they are known after a restart; only where a history is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from collector_core import Context, FaultLog, Published, describe
from collector_core.storage import read_bounded, set_aside, write_atomically
from collector_plugins.performance.incidents import Incidents

FILE = "incidents.json"
MAX_BYTES = 1 << 24


class KeptIncidents:
    """Follows anomalies, and goes on where the process before has ended; a file that cannot be used costs no run."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._incidents = Incidents()
        self._is_loaded = False
        self._faults = FaultLog(ctx.logger)

    def record(self, published: Sequence[Published], time: float) -> tuple[dict[str, Any], ...]:
        """Note which anomalies are active at `time`; returns all that are remembered, the oldest first."""
        keeps = self._ctx.history.is_kept
        if keeps and not self._is_loaded:
            self._is_loaded = True
            self._load()
        self._incidents.record_incidents(published, time)
        if keeps and self._incidents.is_changed:
            self._save(time)
        return self._incidents.rows()

    def _load(self) -> None:
        try:
            file = self._ctx.state_dir / FILE
            self._incidents.restore(read_bounded(file, MAX_BYTES))
        except FileNotFoundError:
            return
        except OSError as error:
            self._faults.record_failure(FILE, error)
        except ValueError as error:
            self._ctx.logger.warning("%s is damaged: %s; it is now called %s", file, describe(error), _renamed(file))

    def _save(self, time: float) -> None:
        try:
            write_atomically(self._ctx.state_dir / FILE, self._incidents.state(time))
        except OSError as error:
            self._incidents.is_changed = True
            self._faults.record_failure(FILE, error)
        else:
            self._faults.record_success(FILE)


def _renamed(file: Path) -> str:
    try:
        return str(set_aside(file))
    except OSError as error:
        return f"{file} still: {describe(error)}"

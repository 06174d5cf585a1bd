"""What each part adds that is only there when it is configured: memory, and CPU while nothing is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any

from bench.effort import Effort
from bench.figures import Table
from bench.programs import EVERYTHING, Program, energy_collector

SYSTEM = {"system": {"interval": "1s", "options": EVERYTHING}}
PARTS: Mapping[str, tuple[dict[str, Any], bool]] = {
    "`system` alone": ({}, False),
    "with the history": ({}, True),
    "with history and `forecast`": ({"forecast": {}}, True),
    "with `sites`": ({"sites": {}}, False),
    "with `workloads`": ({"workloads": {}}, False),
}
_SETTLE_SECONDS = 1.0


def measure(effort: Effort) -> list[Table]:
    """Fresh programs, one after another; the least of several windows is the least disturbed."""
    lines = [(title, *_part(collectors, history, effort)) for title, (collectors, history) in PARTS.items()]
    return [Table("parts", "What parts cost", ("what runs", "MiB resident", "% of a core, nobody asking"), lines)]


def _part(collectors: Mapping[str, Any], history: bool, effort: Effort) -> tuple[float, float]:
    with TemporaryDirectory(prefix="bench-") as folder:
        homes = {"XDG_STATE_HOME": folder, "XDG_DATA_HOME": folder}
        with energy_collector({**SYSTEM, **collectors}, history=history, environment=homes) as program:
            program.client.close()
            time.sleep(_SETTLE_SECONDS)
            percents = [_percent(program, effort.idle_seconds) for _ in range(effort.idle_windows)]
            return program.process.rss_bytes() / (1 << 20), min(percents)


def _percent(program: Program, seconds: int) -> float:
    before = program.process.cpu_seconds()
    time.sleep(seconds)
    return (program.process.cpu_seconds() - before) / seconds * 100

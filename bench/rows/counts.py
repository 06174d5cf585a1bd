"""What can be counted: the same on every machine with the same Python, so that a change of it is somebody's doing."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from array import array
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import samples
from bench.effort import Effort
from bench.figures import Figure
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock
from collector_core.model.readings import Snapshot

SERIES = 10_000
_PROGRAM = "import atexit, sys; atexit.register(lambda: print(len(sys.modules)))\n"
_COMMANDS = {
    "--help": ["--help"],
    "check without a file": ["check"],
    "run --help": ["run", "--help"],
}


def measure(effort: Effort) -> list[Figure]:
    """Modules of commands, and bytes and memory of an exposition."""
    del effort  # counting once is enough
    modules = [_count(f"Modules of `{title}`", "modules", _modules(words)) for title, words in _COMMANDS.items()]
    return [*modules, _modules_of_check(), *_exposition()]


def _modules_of_check() -> Figure:
    with TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder, "config.yaml")
        file.write_text("collectors: {system: {}, rapl: {}}\n", encoding="utf-8")
        return _count("Modules of `check --config FILE`", "modules", _modules(["check", "--config", str(file)]))


def _modules(words: list[str]) -> int:
    """How many modules a command has imported when it ends."""
    call = f"import sys; sys.argv = ['energy-collector', *{words}]; from collector_core.cli import main; main()"
    environment = {**os.environ, "ENERGY_COLLECTOR_CONFIG": ""}
    command = [sys.executable, "-c", _PROGRAM + call]
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(found.stdout.splitlines()[-1])


def _exposition() -> list[Figure]:
    """One source with all series: what is sent, and what is kept of it."""
    metrics = samples.metrics("bench", SERIES)
    layout = samples.layout(metrics, SERIES)
    values = array("d", chain.from_iterable(samples.values(SERIES, 1)))
    exposition = Exposition(SystemClock())
    source = exposition.source("bench", metrics)
    before = sys.getallocatedblocks()
    source.publish(Snapshot(layout, values))
    plain, packed = exposition.body(negotiate("", "")), exposition.body(negotiate("", "gzip"))
    kept = sys.getallocatedblocks() - before
    if gzip.decompress(packed) != plain:
        raise RuntimeError("gzip holds other bytes")
    return [
        _count(f"Bytes of {SERIES} series", "B", len(plain)),
        _count(f"Bytes of {SERIES} series, gzip", "B", len(packed)),
        _count(f"Allocations kept for {SERIES} series", "blocks", kept),
    ]


def _count(title: str, unit: str, value: int) -> Figure:
    return Figure("counts", title, unit, [value], counted=True)

"""What importing a module costs a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from bench.effort import Effort
from bench.figures import Table

MODULES = (
    "asyncio",
    "aiohttp.web",
    "prometheus_client",
    "psutil",
    "pydantic.main",
    "yaml",
    "pluggy",
    "click",
    "bcrypt",
    "collector_core",
)
EVERYTHING = "collector_core.cli.run, collector_plugins.system, collector_plugins.rapl"
_PROGRAM = """
import json, re, time
def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) / 1024
before, start = resident(), time.perf_counter()
import {modules}
print(json.dumps([(time.perf_counter() - start) * 1e3, resident() - before]))
"""


def measure(effort: Effort) -> list[Table]:
    """Each module alone, then all that `energy-collector run` imports for its bundled plugins."""
    lines = [_line(f"`{module}`", module, effort.imports) for module in MODULES]
    lines.append(_line("everything together", EVERYTHING, effort.imports))
    return [Table("imports", "Imports", ("module", "ms", "MiB resident, added"), lines)]


def _line(title: str, modules: str, times: int) -> tuple[str, float, float]:
    """The best time, which is the least disturbed one, and the usual memory."""
    found = [_import(modules) for _ in range(times)]
    return title, min(ms for ms, _ in found), median(mib for _, mib in found)


def _import(modules: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _PROGRAM.format(modules=modules)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    milliseconds, mebibytes = json.loads(output)
    return milliseconds, mebibytes

"""Where it was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_DISTRIBUTIONS = ("energy-collector", "aiohttp", "prometheus-client", "pydantic", "psutil")


def facts() -> dict[str, str | int]:
    """Processor, kernel, versions and date."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node_exporter": _node_exporter(),
        **{name: metadata.version(name) for name in _DISTRIBUTIONS},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def _node_exporter() -> str:
    try:
        command = ["prometheus-node-exporter", "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        return "not installed"
    found = re.search(r"version (\S+)", answer.stdout + answer.stderr)
    return found[1] if found else "unknown"

"""Memory over simulated hours of the demo, each second of which is scraped."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.effort import Effort
from bench.figures import Figure, Goal, Table

HOST = ("system", "rapl", "energy")


def measure(effort: Effort) -> list[Figure | Table]:
    """The whole demo, and what a host alone has, in processes of their own; `python -m bench.soak 24` takes longer."""
    return [
        *_soak("the demo", effort.soak_hours, ()),
        *_soak(", ".join(f"`{name}`" for name in HOST), effort.soak_hours, HOST),
    ]


def _soak(what: str, hours: int, names: tuple[str, ...]) -> list[Figure | Table]:
    command = [sys.executable, "-m", "bench.soak", str(hours), *names]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    lines = list(map(json.loads, done.stdout.splitlines()))
    title = f"{hours} simulated hours of {what} with a history, scraped each second"
    figure = Figure("soak", f"Growth, {title}", "MiB/h", [_growth(lines)], goal=Goal(0.5, 0.1), note="the second half")
    return [figure, Table("soak", title, tuple(lines[0]), [tuple(line.values()) for line in lines])]


def _growth(lines: list[dict[str, float]]) -> float:
    """MiB an hour from the middle to the end: caches fill before."""
    begin, end = lines[len(lines) // 2 - 1], lines[-1]
    return (end["MiB"] - begin["MiB"]) / (end["hour"] - begin["hour"])

"""Requests a second with 10,000 series and 10 connections."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import energy_collector, installed, prometheus_client_server
from bench.scraping import HEADERS

CONNECTIONS = 10
GZIP_GOAL = Goal(5000, 10_000, more=True)
PLAIN_GOAL = Goal(600, 1200, more=True)


def measure(effort: Effort) -> list[Figure]:
    """Ours, which goes on collecting meanwhile, beside prometheus_client's own server."""
    many = {"bench_many": {"max_series": effort.series, "options": {"series": effort.series}}}
    plain = {**HEADERS, "Accept-Encoding": "identity"}
    with (
        energy_collector(many, until="bench_many_moved") as ours,
        prometheus_client_server(effort.series) as port,
    ):
        gzip = [_pair(ours.port, port, HEADERS, effort) for _ in range(effort.pairs)]
        identity = [_pair(ours.port, port, plain, effort) for _ in range(effort.extra_pairs)]
    return [_figure("gzip", gzip, GZIP_GOAL, effort), _figure("plain", identity, PLAIN_GOAL, effort)]


def _pair(ours: int, theirs: int, headers: dict[str, str], effort: Effort) -> tuple[float, float]:
    return _rate(ours, headers, effort.load_seconds), _rate(theirs, headers, effort.slow_load_seconds)


def _rate(port: int, headers: dict[str, str], seconds: int) -> float:
    """Requests a second that wrk counts, in more time where none was answered; raises `RuntimeError` at failures."""
    for duration in (seconds * 2**doubled for doubled in range(4)):
        if rate := _counted(port, headers, duration):
            return rate
    raise RuntimeError(f"no request was answered within {duration} s")


def _counted(port: int, headers: dict[str, str], seconds: int) -> float:
    fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    command = [installed("wrk"), *options, *fields, f"http://127.0.0.1:{port}/metrics"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None:
        raise RuntimeError(output)
    return float(rate[1])


def _figure(encoding: str, pairs: Sequence[tuple[float, float]], goal: Goal, effort: Effort) -> Figure:
    ours, theirs = zip(*pairs, strict=True)
    title = f"Requests a second, {CONNECTIONS} connections, {effort.series} series, {encoding}"
    return Figure("throughput", title, "1/s", ours, theirs, goal, "theirs: prometheus_client.start_http_server")

"""The programs that are compared: ours with a configuration, node_exporter with the same kind of data."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import MissingProgramError
from bench.processes import Process
from bench.scraping import Client, Scrape

POLL = 0.002  # seconds between two attempts to scrape a program that starts
COMPLETE = "system_cpu_seconds_total"
NODE_COLLECTORS = ("cpu", "meminfo", "diskstats", "netdev", "filesystem", "loadavg", "stat")
PLUGINS = ("bench_idle", "bench_many")
EVERYTHING = {"devices": {"include": ["*"]}, "interfaces": {"include": ["*"]}}

_START_SECONDS = 30.0
_REPOSITORY = Path(__file__).parent.parent

Collectors = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Program:
    """A program that is being scraped."""

    process: Process
    port: int
    client: Client
    start_seconds: float
    first: Scrape


@contextmanager
def energy_collector(
    collectors: Collectors,
    *,
    root: Path | None = None,
    until: str = COMPLETE,
    path: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    history: bool = True,
    outputs: Collectors | None = None,
    within: Sequence[str] = (),
) -> Iterator[Program]:
    """Our command with these `collectors` and `outputs`, from the scrape on that contains `until`.

    Plugins may lie in `path`; `within` is a command that runs ours.
    """
    with TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder, "config.yaml")
        kept = {"path": f"{folder}/history"} if history else "off"
        config.write_text(
            json.dumps({"root": str(root or "/"), "history": kept, "collectors": collectors, "outputs": outputs or {}}),
            encoding="utf-8",
        )
        _install_plugins(Path(folder))
        port = free_port()
        command = [
            *within,
            str(Path(sys.executable).with_name("energy-collector")),
            *("run", "--log-level", "warning", "--config", str(config), "--listen", f"127.0.0.1:{port}"),
        ]
        places = os.pathsep.join(map(str, [folder, _REPOSITORY, *path]))
        own = {"PYTHONPATH": places, "XDG_STATE_HOME": f"{folder}/state"}
        with started(command, port, until, own | (environment or {})) as program:
            yield program


@contextmanager
def node_exporter() -> Iterator[Program]:
    """Debian's node_exporter without its self-metrics."""
    port = free_port()
    command = [
        installed("prometheus-node-exporter"),
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in NODE_COLLECTORS),
        "--web.disable-exporter-metrics",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with started(command, port, "node_cpu_seconds_total") as program:
        yield program


@contextmanager
def process_exporter() -> Iterator[Program]:
    """Debian's process-exporter with every process in the group of its name."""
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder, "config.yaml")
        config.write_text('process_names: [{name: "{{.Comm}}", cmdline: [".+"]}]\n')
        command = [
            installed("prometheus-process-exporter"),
            f"-config.path={config}",
            *("-gather-smaps=false", "-threads=false", "-children=true"),
            f"-web.listen-address=127.0.0.1:{port}",
        ]
        with started(command, port, "namedprocess_namegroup_cpu_seconds_total") as program:
            yield program


@contextmanager
def prometheus_client_server(series: int) -> Iterator[int]:
    """`prometheus_client.start_http_server` with the series of `bench_many`; yields its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.serve_prometheus_client", str(port), str(series)]
    with Process(command, {"PYTHONPATH": str(_REPOSITORY)}) as process:
        _connect(process, port).close()
        yield port


def installed(program: str) -> str:
    """The path of `program`; raises `MissingProgramError`."""
    path = shutil.which(program)
    if path is None:
        raise MissingProgramError(f"{program} is not installed")
    return path


@contextmanager
def started(
    command: Sequence[str], port: int, until: str, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A program that listens on `port`, from the scrape on that contains `until`."""
    with Process(command, environment) as process, _connect(process, port) as client:
        first = _complete(client, until)
        yield Program(process, port, client, time.perf_counter() - process.started, first)


def _connect(process: Process, port: int) -> Client:
    deadline = time.perf_counter() + _START_SECONDS
    while True:
        try:
            return Client(port)
        except ConnectionRefusedError:
            if not process.running or time.perf_counter() > deadline:
                raise RuntimeError(f"the program does not listen: {process.output}") from None
            time.sleep(POLL)


def _complete(client: Client, until: str) -> Scrape:
    deadline = time.perf_counter() + _START_SECONDS
    while until not in (scrape := client.scrape()).text:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{until} does not appear")
        time.sleep(POLL)
    return scrape


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _install_plugins(folder: Path) -> None:
    """A distribution as pip leaves it, so that our command finds the benchmark's plugins like anybody's."""
    info = folder / "bench_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugins\nVersion: 1.0\n", encoding="utf-8")
    entries = [f"{name} = bench.plugins.{name.removeprefix('bench_')}" for name in PLUGINS]
    (info / "entry_points.txt").write_text("\n".join(["[collector_core]", *entries, ""]), encoding="utf-8")

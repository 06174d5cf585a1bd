"""Remote write of many series: what our output adds, beside Prometheus as an agent that scrapes and sends the same."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.processes import Process
from bench.programs import Collectors, Program, energy_collector, free_port, installed

INTERVAL = 2  # seconds
RUNS = 5  # of each pair
WARM_UP = 10.0  # seconds
UNTIL = "bench_many"
CPU = Goal(bar=1.1, stretch=0.8)
MEMORY = Goal(bar=1.0, stretch=0.5)
PAUSE = 0.02  # seconds between two scrapes
UNMOVED = Goal(bar=1.2, stretch=1.05)


class Sink(ThreadingHTTPServer):
    """Takes whatever is written, and counts its bytes by path."""

    daemon_threads = True

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken[self.path] = self.server.taken.get(self.path, 0) + len(body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure(effort: Effort) -> list[Figure]:
    """CPU, memory, and what a receiver that hangs does to scrapes."""
    many = {
        "bench_many": {
            "interval": f"{INTERVAL}s",
            "max_series": effort.series + 1000,
            "options": {"series": effort.series},
        }
    }
    return [*_costs(effort, many), _latency_while_a_receiver_hangs(effort, many)]


def _latency_while_a_receiver_hangs(effort: Effort, many: Collectors) -> Figure:
    """p99 of scrapes in turn: of a collector whose receiver takes connections and never answers, and whose answers."""
    with socket.create_server(("127.0.0.1", 0)) as hole, _sink() as sink:

        def sending_to(port: int) -> AbstractContextManager[Program]:
            outputs = {"remote_write": {"options": {"url": f"http://127.0.0.1:{port}/ours"}}}
            return energy_collector(many, until=UNTIL, history=False, outputs=outputs)

        with sending_to(hole.getsockname()[1]) as hanging, sending_to(sink.server_port) as answering:
            time.sleep(WARM_UP)
            rounds = [_p99s((hanging, answering), effort.scrapes) for _ in range(effort.pairs)]
    ours, theirs = map(list, zip(*rounds, strict=True))
    title = f"p99 of a scrape of {effort.series} series while a receiver hangs, and while it answers"
    return Figure("remote-write", title, "ms", ours, theirs, UNMOVED)


def _p99s(programs: Sequence[Program], scrapes: int) -> list[float]:
    """Milliseconds of each."""
    rounds = []
    for _ in range(scrapes):
        rounds.append([program.client.latency() * 1e3 for program in programs])
        time.sleep(PAUSE)
    return [sorted(latencies)[int(0.99 * scrapes)] for latencies in zip(*rounds, strict=True)]


def _costs(effort: Effort, many: Collectors) -> list[Figure]:
    """CPU per second and memory: ours with an output less ours without, and the agent."""
    with _sink() as sink:
        url = f"http://127.0.0.1:{sink.server_port}"
        outputs = {"remote_write": {"options": {"url": f"{url}/ours"}}}
        with (
            energy_collector(many, until=UNTIL, history=False, outputs=outputs) as sending,
            energy_collector(many, until=UNTIL, history=False) as silent,
            energy_collector(many, until=UNTIL, history=False) as scraped,
            _agent(scraped.port, f"{url}/theirs") as agent,
        ):
            time.sleep(WARM_UP)
            ours, theirs = list[float](), list[float]()
            for _ in range(effort.pairs):
                before = [each.cpu_seconds() for each in (sending.process, silent.process, agent)]
                time.sleep(RUNS * INTERVAL)
                after = [each.cpu_seconds() for each in (sending.process, silent.process, agent)]
                own, base, other = ((new - old) * 1e3 / RUNS for old, new in zip(before, after, strict=True))
                ours.append(own - base)
                theirs.append(other)
            added = (sending.process.rss_bytes() - silent.process.rss_bytes()) / 2**20
            note = f"bytes sent: {sink.taken.get('/ours', 0)} and {sink.taken.get('/theirs', 0)}"
            title = f"remote write of {effort.series} series every {INTERVAL} s"
            return [
                Figure("remote-write", f"CPU of one {title}, added", "ms", ours, theirs, CPU, note),
                Figure(
                    "remote-write", f"Memory of {title}, added", "MiB", [added], [agent.rss_bytes() / 2**20], MEMORY
                ),
            ]


@contextmanager
def _sink() -> Iterator[Sink]:
    with Sink() as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        yield sink
        sink.shutdown()


@contextmanager
def _agent(port: int, url: str) -> Iterator[Process]:
    """Debian's Prometheus, which keeps nothing but what it has yet to send."""
    with TemporaryDirectory(prefix="bench-") as folder:
        config = {
            "global": {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": f"{INTERVAL}s"},
            "scrape_configs": [{"job_name": "ours", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
            "remote_write": [{"url": url}],
        }
        Path(folder, "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        command = [
            *(installed("prometheus"), "--enable-feature=agent"),
            *(f"--config.file={folder}/prometheus.yml", f"--storage.agent.path={folder}/data"),
            f"--web.listen-address=127.0.0.1:{free_port()}",
        ]
        with Process(command) as process:
            yield process

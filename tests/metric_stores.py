"""Prometheus and VictoriaMetrics from Debian, and the newest of them, started once and fed by outputs."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import suppress

import pytest

from tests import go_services
from tests.postgres import free_port

START_SECONDS = 60


class MetricStore:
    """A server that ends with the tests; `url` is its address."""

    def __init__(self, program, options, port):
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self, path):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self.url} did not start")

    def close(self):
        self._process.kill()
        self._process.wait(30)


def ask(base, query, time):
    """What a store answers to a query of a moment; VictoriaMetrics shows then what it has taken."""
    with suppress(OSError):
        urllib.request.urlopen(f"{base}/internal/force_flush", timeout=30).close()
    parameters = urllib.parse.urlencode({"query": query, "time": time})
    with urllib.request.urlopen(f"{base}/api/v1/query?{parameters}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def _prometheus(folder):
    (folder / "prometheus.yml").write_text("")
    port = free_port()
    options = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
    ]
    return options, port, "/-/ready", "/api/v1/write"


def _newest_prometheus(folder):
    """That tells what it has understood of types, units and starts: as labels, and as zeros at the start."""
    options, *rest = _prometheus(folder)
    features = "--enable-feature=type-and-unit-labels,created-timestamp-zero-ingestion"
    return [*options, "--web.enable-otlp-receiver", features], *rest


def _victoria_metrics(folder):
    port = free_port()
    options = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s"]
    return options, port, "/health", "/api/v1/write"


_KINDS = {
    "prometheus": _prometheus,
    "victoria-metrics": _victoria_metrics,
    "newest prometheus": _newest_prometheus,
    "newest victoria-metrics": _victoria_metrics,
}
NEWEST = "newest "


def _program(name):
    if name.startswith(NEWEST):
        return go_services.newest(name.removeprefix(NEWEST))
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


@pytest.fixture(scope="session")
def graphite_port():
    """Where VictoriaMetrics takes Graphite's plaintext, once it is running."""
    return free_port()


@pytest.fixture(scope="session")
def metric_store(tmp_path_factory, graphite_port):
    """Starts a server on first use; returns its address and the path of remote write."""
    running = {}

    def start(name):
        program = _program(name)
        if name not in running:
            options, port, ready, write = _KINDS[name](tmp_path_factory.mktemp(name.replace(" ", "-")))
            if name == "victoria-metrics":
                options = [*options, f"-graphiteListenAddr=127.0.0.1:{graphite_port}"]
            running[name] = MetricStore(program, options, port), write
            running[name][0].wait(ready)
        store, write = running[name]
        return store.url, write

    yield start
    for store, _ in running.values():
        store.close()

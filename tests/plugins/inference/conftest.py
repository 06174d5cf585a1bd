"""Model servers on loopback, and harnesses that ask them."""

from __future__ import annotations

import http.server
import threading

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.inference import Inference, metrics


@pytest.fixture
def start():
    """Starts servers: `start(Vllm)`."""
    started = []

    def start(kind):
        started.append(kind())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def inference(collector_harness):
    """Makes a harness over servers: `inference({"name": "a", "source": "vllm", "url": …}, …)`."""

    def make(*servers, **more):
        return collector_harness(Inference, servers=list(servers), **more)

    return make


@pytest.fixture
def asked(inference):
    """A harness over one server, which has been asked once: `asked("vllm", server)`."""

    def make(source, server, **options):
        harness = inference({"name": "here", "source": source, "url": server.url, **options})
        harness.run()
        return harness

    return make


def shown(harness, model):
    """Everything of one model, by the metric's name without the plugin's."""
    names = {metric: metric.name.removeprefix("inference_") for metric in metrics.BY_MODEL}
    found = {name: harness.value(metric, model=model) for metric, name in names.items()}
    return {name: value for name, value in found.items() if value is not None}


class Answering(http.server.ThreadingHTTPServer):
    """Answers every request as `answer(handler)` does."""

    daemon_threads = True

    def __init__(self, answer):
        server = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append((self.path, dict(self.headers)))
                answer(self)

            def log_message(self, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/metrics"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def end(self):
        self.shutdown()
        self._thread.join(5)
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that has hung up is what these tests are about."""


def says(status, body=b"", **headers):
    """An answer: a status, a body and headers."""

    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def says_in_turn(pages):
    """An answer: another page each time."""
    left = iter(pages)

    def answer(handler):
        says(200, next(left))(handler)

    return answer


@pytest.fixture
def answering():
    """Starts servers that answer as told: `answering(says(500))`."""
    started = []

    def start(answer):
        started.append(Answering(answer))
        return started[-1]

    yield start
    for server in started:
        server.end()


class Gpu:
    """A GPU of this machine that draws what the test says."""

    def __init__(self, clock, device="GPU-1", watts=300.0):
        self.clock, self.device, self.watts = clock, device, watts
        self.joules, self.at, self.gaps = 0.0, clock.monotonic(), 0
        self.meter = EnergyMeter(
            Component.GPU, device, EnergyMethod.NVML_COUNTER, 0.05, 0.1, latest=self.latest, read=self.latest
        )

    def latest(self):
        now = self.clock.monotonic()
        self.joules, self.at = self.joules + self.watts * (now - self.at), now
        return EnergyReading(self.joules, now, self.gaps)

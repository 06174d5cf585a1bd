"""The throughput of random sources: devices, files, addresses; bounded, and absent with the reason."""

from __future__ import annotations

import http.server
import os
import threading
import time
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_plugins.quantum import metrics
from collector_plugins.quantum.randomsource import throughput_of_address, throughput_of_file
from tests.plugins.quantum.conftest import Ticks

KIB = bytes(1024)


@pytest.fixture
def serve():
    """Serves one answer on loopback: `serve(status, body, **headers)` returns its address."""
    servers = []

    def serve(status, body=b"", **headers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/random"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_it_is_bytes_by_the_time_that_passed(tmp_path):
    file = tmp_path / "random"
    file.write_bytes(KIB * 8)
    # Two blocks of 4 KiB, with a look at the clock before and after each.
    assert throughput_of_file(file, 8192, Ticks()) == 8192 / (2 / 1024)


def test_it_reads_no_more_than_it_may(tmp_path):
    file = tmp_path / "random"
    file.write_bytes(KIB * 100)
    watch = Ticks()
    assert throughput_of_file(file, 5000, watch) == 5000 / (2 / 1024)


def test_a_file_that_ends_counts_as_far_as_it_goes(tmp_path):
    file = tmp_path / "random"
    file.write_bytes(bytes(100))
    assert throughput_of_file(file, 8192, Ticks()) == 100 / (2 / 1024)


def test_a_device_of_the_kernel():
    assert throughput_of_file(Path("/dev/urandom"), 8192, Ticks()) == 8192 / (2 / 1024)


def absent(path, most=10):
    with pytest.raises(NotAvailable) as caught:
        throughput_of_file(path, most, Ticks())
    assert caught.value.fix
    return caught.value.reason, caught.value.detail


def test_what_gives_nothing_is_absent_with_the_reason(tmp_path):
    empty, pipe = tmp_path / "empty", tmp_path / "pipe"
    empty.touch()
    os.mkfifo(pipe)
    assert absent(tmp_path / "none") == ("not_found", f"{tmp_path}/none: No such file or directory")
    assert absent(empty)[0] == "timeout"
    assert absent(pipe) == ("not_supported", f"{pipe} is a pipe")
    assert absent(tmp_path)[0] == "not_found"


def test_an_address(serve):
    url = serve(200, KIB * 20)
    assert throughput_of_address(url, 8192, Ticks()) > 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [((404,), "bad_data"), ((302, b"", "http://127.0.0.1:9/"), "bad_data"), ((200,), "timeout")],
    ids=["not found", "elsewhere", "empty"],
)
def test_an_address_that_gives_nothing_is_absent_with_the_reason(serve, answer, reason):
    status, body, *location = (*answer, b"")[:2] + answer[2:]
    url = serve(status, body, **({"Location": location[0]} if location else {}))
    with pytest.raises(NotAvailable) as caught:
        throughput_of_address(f"{url}?key=canary", 10, time.monotonic)
    assert caught.value.reason == reason
    assert caught.value.fix
    assert "canary" not in caught.value.detail


def test_an_address_where_nobody_is():
    with pytest.raises(NotAvailable) as caught:
        throughput_of_address("http://127.0.0.1:9/", 10, time.monotonic)
    assert caught.value.reason == "unreachable"


def test_its_label_keeps_no_secret(quantum, serve):
    url = serve(200, KIB)
    harness = quantum(post_quantum=[], random_source=f"{url}?key=canary")
    harness.run()
    assert harness.series(metrics.THROUGHPUT).keys() == {(url,)}

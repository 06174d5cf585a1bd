"""A web server on loopback that takes what outputs post, and answers what the test wants."""

import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict
    body: bytes


class HttpReceiver:
    """Answers 204, or what stands in `answers` (status, headers, body); `gate` holds answers back while it is clear."""

    def __init__(self):
        self.posted = []
        self.answers = deque()
        self.headers = {}
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append(Posted(self.path, dict(self.headers.items()), body))
                outer.gate.wait(60)
                status, headers, text = outer.answers.popleft() if outer.answers else (204, outer.headers, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def http_receiver():
    made = HttpReceiver()
    yield made
    made.close()

"""A power plug on loopback that answers JSON over HTTP, and can be told to misbehave."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any, Self


class PlugServer(http.server.ThreadingHTTPServer):
    """Answers `status` and `body`; `hangs` answers nothing until the end of `with`. Counts its requests.

    A subclass may answer each path differently.
    """

    daemon_threads = True

    def __init__(self, value: Any = None, *, status: int = 200, body: bytes | None = None, hangs: bool = False) -> None:
        server = self
        self.status, self.hangs = status, hangs
        self.body = json.dumps(value).encode() if body is None else body
        self.asked: list[tuple[str, str | None]] = []  # path and login
        self.released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Authorization")))
                answer = server.answer(self.path)
                if answer is None:
                    server.released.wait(30)
                    return
                status, body = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def answer(self, path: str) -> tuple[int, bytes] | None:
        del path
        return None if self.hangs else (self.status, self.body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.shutdown()
        self._thread.join(5)
        self.server_close()

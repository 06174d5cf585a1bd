"""A receiver of webhooks on loopback that keeps what it gets, and can be told to misbehave."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from typing import Any, NamedTuple, Self


class Delivery(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


class WebhookServer(http.server.ThreadingHTTPServer):
    """Answers with `status`, `body` and `headers`; `hangs` answers nothing until `release`, `resets` hangs up.

    The end of `with` ends it.
    """

    daemon_threads = True

    def __init__(
        self, status: int = 200, *, hangs: bool = False, resets: bool = False, body: bytes = b"", **headers: str
    ) -> None:
        server = self
        self.status, self.hangs, self.resets, self.body, self.headers = status, hangs, resets, body, headers
        self.deliveries: list[Delivery] = []
        self._released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.deliveries.append(Delivery(self.path, dict(self.headers), body, self.command))
                if server.hangs:
                    server._released.wait(30)
                if server.hangs or server.resets:
                    return
                self.send_response(server.judge(server.deliveries[-1]))
                for name, value in server.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", f"{len(server.body)}")
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # nobody has to read it
                    self.wfile.write(server.body)

            do_PUT = do_POST  # noqa: N815 - the name that http.server looks for

            def log_message(self, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def judge(self, delivery: Delivery) -> int:
        """The status of the answer to a delivery."""
        del delivery
        return self.status

    def release(self) -> None:
        """Hang up on those who wait for an answer."""
        self._released.set()

    def __exit__(self, *_: object) -> None:
        self.release()
        self.shutdown()
        self._thread.join(5)
        self.server_close()

    def statuses(self, alert: str) -> list[str]:
        """Of every delivery, how the alert of that name is told: firing or resolved."""
        told = (each for delivery in list(self.deliveries) for each in delivery.json["alerts"])
        return [each["status"] for each in told if each["labels"]["alertname"] == alert]

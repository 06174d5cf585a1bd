"""A real Alertmanager of this test's own: on loopback, with its own files, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

START_SECONDS = 20


class Alertmanager:
    """Alertmanager in `folder`, which hands on what it gets to the webhook `receiver`; the end of `with` ends it."""

    def __init__(self, program: str, folder: Path, receiver: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "alertmanager.json").write_text(json.dumps(_config(receiver)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [
            self._program,
            f"--config.file={self._folder / 'alertmanager.json'}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "Alertmanager does not get ready"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are active now, as its API says."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False


def _config(receiver: str) -> dict[str, Any]:
    route = {"receiver": "test", "group_wait": "50ms", "group_interval": "100ms", "repeat_interval": "1h"}
    hooks = [{"url": receiver, "send_resolved": True}]
    return {"route": route, "receivers": [{"name": "test", "webhook_configs": hooks}]}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port

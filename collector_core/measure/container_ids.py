"""Which container has a name: asked of Docker and Podman, on their sockets.

Format: https://docs.docker.com/reference/api/engine/ (ContainerList); Podman answers in the same way.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

SOCKETS = ("run/docker.sock", "run/podman/podman.sock")
PATIENCE_SECONDS = 3.0
_MOST_BYTES = 32 << 20


class _SocketConnection(HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Called before the request is sent."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def container_ids(name: str, root: Path) -> list[str]:
    """Whole ids of the running containers of this name; none where no runtime answers."""
    return [each for path in SOCKETS for each in _ids(name, root / path)]


def _ids(name: str, path: Path) -> Iterator[str]:
    if not path.exists():
        return
    try:
        with closing(_SocketConnection(path)) as connection:
            connection.request("GET", "/containers/json")
            told = json.loads(connection.getresponse().read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError):  # one that hangs or lies knows no container
        return
    for container in told if isinstance(told, list) else ():
        names = container.get("Names") if isinstance(container, dict) else None
        if isinstance(names, list) and f"/{name}" in names and isinstance(container.get("Id"), str):
            yield container["Id"]

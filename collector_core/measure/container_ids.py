"""Which container has a name: asked of Docker, Podman, containerd and CRI-O, on their sockets.

Formats: https://docs.docker.com/reference/api/engine/ (ContainerList; Podman answers in the same way), and CRI.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from collector_core.errors import NotAvailable
from collector_core.wire import UnaryCall, cri_containers

DOCKER_SOCKETS = ("run/docker.sock", "run/podman/podman.sock")
CRI_SOCKETS = ("run/containerd/containerd.sock", "run/crio/crio.sock")
PATIENCE_SECONDS = 3.0
_LIST_CONTAINERS = "/runtime.v1.RuntimeService/ListContainers"
_MOST_BYTES = 32 << 20
_CHUNK = 65536


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
    of_docker = (each for path in DOCKER_SOCKETS for each in _of_docker(name, root / path))
    return [*of_docker, *(each for path in CRI_SOCKETS for each in _of_cri(name, root / path))]


def _of_docker(name: str, path: Path) -> Iterator[str]:
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


def _of_cri(name: str, path: Path) -> list[str]:
    """Several pods may have a container of this name."""
    if not path.exists():
        return []
    try:
        return [container.id for container in cri_containers(_list_containers(path)) if container.name == name]
    except (OSError, ValueError, NotAvailable):
        return []


def _list_containers(path: Path) -> bytes:
    """Raises `OSError` where it takes too long, and `NotAvailable` for what is no answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    calling = UnaryCall(_LIST_CONTAINERS)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(str(path))
        while not calling.has_ended:
            connection.sendall(calling.to_send())
            if time.monotonic() > deadline:
                raise TimeoutError("no answer in time")
            calling.receive(connection.recv(_CHUNK))
    return calling.message()

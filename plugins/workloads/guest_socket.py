"""Tells a guest its energy over virtio-serial: the unix socket of QEMU's character device."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from collector_core import Context, FaultLog

_BUFFER_BYTES = 4096  # a guest that does not read is not told of yesterday first


class GuestSocket:
    """Sends lines without ever waiting: while the guest reads none, readings are left out, but never half of one."""

    def __init__(self, path: Path, ctx: Context) -> None:
        self._path = path
        self._faults = FaultLog(ctx.logger)
        self._socket: socket.socket | None = None
        self._rest = b""

    def send(self, line: bytes) -> None:
        """Send a line, unless the one before is not through."""
        try:
            connection = self._socket or self._connect()
            if self._rest:
                self._rest = self._rest[connection.send(self._rest) :]
            if not self._rest:
                self._rest = line[connection.send(line) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self.close()
            self._faults.record_failure(str(self._path), error)
            return
        self._faults.record_success(str(self._path))

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            connection.connect(str(self._path))
        except BaseException:
            connection.close()
            raise
        self._socket = connection
        return connection

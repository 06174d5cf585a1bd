"""The sockets that a server listens on."""

from __future__ import annotations

import errno
import os
import socket
import weakref
from typing import Any

from collector_core.errors import StartupError
from collector_core.web.port_holder import port_holder

_NO_SUCH_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # `localhost` names ::1 on machines without IPv6 too
_ADVICE = {
    errno.EADDRINUSE: "stop the program that listens there, or choose another port",
    errno.EACCES: "choose a port above 1023, or give the program CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of `host`; an empty host is every address. Port 0 is a free one.

    Raises `StartupError`, which names the address and what to do.
    """
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in _resolve(host, port):
            try:
                listeners.append(_bound(family, address))
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
        if missing and not listeners:
            raise missing
    except (OSError, OverflowError, UnicodeError) as error:
        for listener in listeners:
            listener.close()
        raise StartupError(_unavailable(host, port, error)) from None
    return listeners


def _resolve(host: str, port: int) -> dict[tuple[int, Any], None]:
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("no such port")  # else getaddrinfo takes the last 16 bits
    found = _numeric(host, port) or socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return dict.fromkeys((family, address) for family, _, _, _, address in found)


def _numeric(host: str, port: int) -> list[Any]:
    """The addresses of what is no name, without a thread to look it up and a codec for names; empty where it is one."""
    if not host.isascii():
        return []
    flags = socket.AI_PASSIVE | socket.AI_NUMERICHOST
    try:
        return socket.getaddrinfo(host.encode() or None, port, type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        return []


def _bound(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        _close_in_children(listener)
    except BaseException:
        listener.close()
        raise
    return listener


def _close_in_children(listener: socket.socket) -> None:
    """Let no process that a plugin forks keep the address after this one has ended; `exec` closes it anyway."""
    ours = weakref.ref(listener)

    def close() -> None:
        inherited = ours()
        if inherited is not None:
            inherited.close()

    os.register_at_fork(after_in_child=close)


def _unavailable(host: str, port: int, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    number = getattr(error, "errno", None) or 0
    advice = _ADVICE.get(number, "check the listen address")
    if number == errno.EADDRINUSE and (holder := port_holder(port)):
        reason = f"{reason} by {holder}"
    return f"cannot listen on {host or '*'}:{port}: {reason}; {advice}"

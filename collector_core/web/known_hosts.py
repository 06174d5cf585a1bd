"""Which hosts a request of this machine may name, and which callers are of this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_LOCAL_DOMAINS = (".localhost", ".local", ".internal", ".home.arpa")  # which no public name server has


class KnownHosts:
    """Names that no name server was asked for: those of this machine, those without a dot, and `hosts`."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._names = {"localhost", *map(str.lower, hosts), *names_of_this_machine()}

    def admit(self, host: str, peer: str | None) -> bool:
        """Whether a request with this `Host` header may be answered to `peer`: from elsewhere always."""
        return self._know(host_name(host)) or not _runs_here(peer)

    def _know(self, name: str) -> bool:
        return "." not in name or name in self._names or name.endswith(_LOCAL_DOMAINS) or _address(name) is not None


def names_of_this_machine(hosts: Path = Path("/etc/hosts")) -> set[str]:
    """The machine's name, and those that its own file gives to addresses; no name server is asked."""
    try:
        lines = hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return {name.lower() for line in lines for name in line.partition("#")[0].split()[1:]} | {
        socket.gethostname().lower()
    }


def host_name(host: str) -> str:
    """The name or address in a `Host` header, without the port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")


def _runs_here(peer: str | None) -> bool:
    """Whether a caller came over the network from this machine; no web page can use a unix socket."""
    return peer is not None and is_loopback(peer) and _address(peer) is not None


@lru_cache(maxsize=256)
def is_loopback(peer: str) -> bool:
    """Whether `peer` is a loopback address, IPv4 in IPv6 too, or the name of a unix socket, which may be empty."""
    address = _address(peer)
    mapped = getattr(address, "ipv4_mapped", None)
    return address is None or (mapped or address).is_loopback


@lru_cache(maxsize=256)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

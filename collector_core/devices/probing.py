"""Looks for devices in a network that somebody has named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, ClassVar, Protocol, cast

from collector_core.collector import Collector

MOST_ADDRESSES = 4096
AT_ONCE = 64
SECONDS = 3.0

Network = IPv4Network | IPv6Network
Entry = Mapping[str, Any]  # options of what was found; None is what only its owner knows, such as a password
Found = Mapping[str, Sequence[Entry]]  # by plugin; entries with a `name` are devices


class Probes(Protocol):
    """A collector class that can tell whether what it reads answers at an address."""

    name: ClassVar[str]
    probe_port: ClassVar[int | None]

    @classmethod
    async def probe(cls, host: str, port: int) -> Entry:
        """As `PolledDevices.probe`."""


def probe_networks(types: Iterable[type[Collector[Any]]], networks: Iterable[Network]) -> Found:
    """Ask every address for the devices of each collector that can tell them; each has `SECONDS` to answer.

    Raises `ValueError` for networks of more than `MOST_ADDRESSES` in all.
    """
    networks = list(networks)
    if sum(network.num_addresses for network in networks) > MOST_ADDRESSES:
        raise ValueError(f"more than {MOST_ADDRESSES} addresses; name smaller networks")
    hosts = list(dict.fromkeys(str(host) for network in networks for host in network.hosts()))
    probing = [cast("Probes", cls) for cls in types if getattr(cls, "probe_port", None) is not None]
    return asyncio.run(_probe_all(probing, hosts))


async def _probe_all(types: Sequence[Probes], hosts: Sequence[str]) -> Found:
    turns = asyncio.Semaphore(AT_ONCE)

    async def probe(cls: Probes, host: str) -> Entry | None:
        async with turns:
            try:
                async with asyncio.timeout(SECONDS):
                    return await cls.probe(host, cls.probe_port or 0)
            except Exception:  # noqa: BLE001 - whatever goes wrong, it is no such device
                return None

    found: dict[str, Sequence[Entry]] = {}
    for cls in types:
        answers = await asyncio.gather(*(probe(cls, host) for host in hosts))
        if devices := [each for each in answers if each is not None]:
            found[cls.name] = devices
    return found


def place_of(host: str, port: int) -> str:
    """`host:port`, as options write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

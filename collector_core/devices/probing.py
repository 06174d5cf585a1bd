"""Looks for devices in a network that somebody has named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from collector_core.collector import Collector
from collector_core.devices.polled import PolledDevices

MOST_ADDRESSES = 4096
AT_ONCE = 64
SECONDS = 3.0

Network = IPv4Network | IPv6Network
Found = Mapping[str, Sequence[Mapping[str, Any]]]  # entries of `devices`, by plugin


def probe_networks(types: Iterable[type[Collector[Any]]], networks: Iterable[Network]) -> Found:
    """Ask every address for the devices of each collector that can tell them; each has `SECONDS` to answer.

    Raises `ValueError` for networks of more than `MOST_ADDRESSES` in all.
    """
    networks = list(networks)
    if sum(network.num_addresses for network in networks) > MOST_ADDRESSES:
        raise ValueError(f"more than {MOST_ADDRESSES} addresses; name smaller networks")
    hosts = list(dict.fromkeys(str(host) for network in networks for host in network.hosts()))
    probing = [cls for cls in types if issubclass(cls, PolledDevices) and cls.probe_port is not None]
    return asyncio.run(_probe_all(probing, hosts))


async def _probe_all(types: Sequence[type[PolledDevices[Any, Any]]], hosts: Sequence[str]) -> Found:
    turns = asyncio.Semaphore(AT_ONCE)

    async def probe(cls: type[PolledDevices[Any, Any]], host: str) -> Mapping[str, Any] | None:
        async with turns:
            try:
                async with asyncio.timeout(SECONDS):
                    options = await cls.probe(host, cls.probe_port or 0)
            except Exception:  # noqa: BLE001 - whatever goes wrong, it is no such device
                return None
        where = f"[{host}]:{cls.probe_port}" if ":" in host else f"{host}:{cls.probe_port}"
        return {"name": host, "address": where, **options}

    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for cls in types:
        answers = await asyncio.gather(*(probe(cls, host) for host in hosts))
        if devices := [each for each in answers if each is not None]:
            found[cls.name] = devices
    return found

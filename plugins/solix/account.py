"""What the plugin needs from an Anker account; `cloud.py` has the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Receive = Callable[[str, Mapping[str, Any]], None]
"""Takes one decoded MQTT message: serial number, and fields by the library's names."""


class Account(Protocol):
    """Sites and devices of an account; all methods are called on one event loop, one at a time.

    Coroutines raise `AuthFailed` where the account must not be used again, `NotAvailable` where it may.
    """

    @property
    def connected(self) -> bool:
        """Whether the MQTT session is connected."""

    def sites(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each site, by its id; fields by the library's names."""

    def devices(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each device, by its serial number; fields by the library's names."""

    async def log_in(self) -> None:
        """Log in, with the stored token if there is one."""

    async def update_sites(self, *, quick: bool) -> None:
        """Ask for the power of all sites and their devices; `quick`: without averages, which take many requests."""

    async def update_details(self) -> None:
        """Ask which devices there are, and for what seldom changes."""

    async def update_energy(self) -> None:
        """Ask for today's energy."""

    async def connect(self, receive: Receive) -> None:
        """Start an MQTT session in place of the current one; `receive` is called on the event loop."""

    def subscribe(self) -> None:
        """Subscribe to new devices."""

    async def ask(self, serial: str, seconds: float) -> bool:
        """Ask a device to report for `seconds`, or once if that is all it can; returns whether the request was sent."""

    async def close(self) -> None:
        """Release everything; may be called at any time."""

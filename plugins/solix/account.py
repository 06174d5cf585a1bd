"""What the plugin needs of an Anker account; `cloud.py` has the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Receive = Callable[[str, Mapping[str, Any]], None]
"""Takes one decoded MQTT message: serial number, and fields by the library's names."""


class Account(Protocol):
    """Sites and devices of an account; all methods are called on one event loop, one at a time.

    Coroutines raise `AuthFailed` where the account must not be tried again, `NotAvailable` where it may.
    """

    @property
    def connected(self) -> bool:
        """Whether the MQTT session is connected."""

    def sites(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each site, by its id; fields by the library's names."""

    def devices(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each device, by its serial number; fields by the library's names."""

    async def log_in(self) -> None:
        """Log in, with the token that is kept if there is one."""

    async def update_sites(self, *, quick: bool) -> None:
        """Ask for the power of all sites and their devices; `quick`: without averages, which take many requests."""

    async def update_details(self) -> None:
        """Ask what devices there are, and what seldom changes of them."""

    async def update_energy(self) -> None:
        """Ask for the energy of today."""

    async def connect(self, receive: Receive) -> None:
        """Start a MQTT session, instead of the one that is there; `receive` is called on the event loop."""

    def subscribe(self) -> None:
        """Listen to devices that are new."""

    async def ask(self, serial: str, seconds: float) -> bool:
        """Ask a device to report for so long, or once if it knows only that; returns whether it was sent."""

    async def close(self) -> None:
        """Let go of everything; legal at any time."""

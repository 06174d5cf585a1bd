"""Tells systemd how the service is doing: sd_notify's protocol, a datagram to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger(__name__)

MICROSECONDS = 1_000_000


class Notifier:
    """Sends states to the service manager; without one, every call does nothing.

    The protocol is that of sd_notify(3). A manager that cannot be reached is logged once and harms nothing.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._address = _address(found.get("NOTIFY_SOCKET", ""))
        self._watchdog = _watchdog_seconds(found)
        self._failed = False

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two signs of life: half of what the manager allows; None where it wants none."""
        return self._watchdog / 2 if self._address and self._watchdog else None

    def ready(self, status: str) -> None:
        """It serves (at the start, and after a reload); `status` is what `systemctl status` shows."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """It begins to read its configuration again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It begins to stop."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """A sign of life, for the manager's watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # a manager that is busy must not hold us up
                sender.sendto(state.encode(), self._address)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("cannot notify the service manager of %s: %s", state.partition("\n")[0], error)
            self._failed = True


def _address(name: str) -> str | None:
    """The socket's address: a path, or `@name` in the abstract namespace; None for anything else."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """What the manager allows between two signs of life, where it means this process (WATCHDOG_PID)."""
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    return int(usec) / MICROSECONDS if usec.isascii() and usec.isdigit() and int(usec) else None

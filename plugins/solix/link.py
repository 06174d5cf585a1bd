"""When to start the MQTT session, and when to give up one that is silent."""

from __future__ import annotations

from collections.abc import Callable

from collector_core import Clock

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 300.0  # seconds
LONGEST_PATIENCE = 3600.0  # seconds
OFFLINE_PATIENCE = 300.0  # seconds: the client connects again by itself, unless its certificates are no longer good


class Link:
    """Follows one session: backs off from a broker that refuses, and watches the age of the last message.

    A session that stays silent for `patience` seconds is to be started anew, and then after twice as long, and so on:
    one malformed message can end the receiving thread while the client still says that it is connected, but devices may
    also have nothing to say. `spread` gives a factor of 0.5 to 1 for each pause.
    """

    def __init__(self, clock: Clock, patience: float, spread: Callable[[], float]) -> None:
        self.messages = 0
        self.restarts = 0
        self._clock = clock
        self._patience = self._first_patience = patience
        self._spread = spread
        self._started = False
        self.heard_at = 0.0
        self._connected_at = 0.0
        self._failures = 0
        self._retry_at = 0.0

    def is_due(self, *, connected: bool) -> bool:
        """Whether to start a session now, instead of the one that is there, if one is."""
        now = self._clock.monotonic()
        if not self._started:
            return now >= self._retry_at
        if connected:
            self._connected_at = now
        return now - self._connected_at > OFFLINE_PATIENCE or (connected and now - self.heard_at > self._patience)

    def started(self) -> None:
        """A session is connected."""
        if self._started:
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self.restarts += 1
        self._started, self._failures = True, 0
        self.heard_at = self._connected_at = self._clock.monotonic()

    def failed(self) -> None:
        """A session could not be started."""
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures, 30), LONGEST_PAUSE) * self._spread()
        self._started = False
        self._failures += 1
        self._retry_at = self._clock.monotonic() + pause

    def heard(self) -> None:
        """A message came."""
        self.messages += 1
        self.heard_at = self._clock.monotonic()
        self._patience = self._first_patience

    def closed(self) -> None:
        """The session was ended on purpose; the next one starts at once."""
        self._started, self._failures, self._retry_at = False, 0, 0.0
